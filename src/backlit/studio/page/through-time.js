// A weight's gradient in a network that reads a text: what each step adds to it.
import { html, nothing } from "./lit.js";
import { shown } from "./recurrent.js";
import { number, say } from "./say.js";

export function throughTime({ through_time: steps, gradient }) {
  if (!steps) return nothing;
  const one = steps[0]?.upstream !== null;
  return html`<div class="through-time scroll" tabindex="0" role="region" aria-label=${say("through-time")}><table><caption class="small">${say(one ? "through-time" : "through-time-batch")}</caption>
    <thead><tr><th scope="col">t</th>${one ? html`<th scope="col">${say("letter")}</th><th scope="col">${say("upstream")}<br /><span class="formula small">∂L/∂aₜ</span></th><th scope="col">${say("local")}<br /><span class="formula small">∂aₜ/∂w</span></th>` : nothing}
      <th scope="col">${say(one ? "product" : "adds")}</th></tr></thead>
    <tbody>${steps.map(({ step, letter, upstream, local, product }) => html`<tr><th scope="row">${step}</th>${one ? html`<td class="writing">${shown(letter)}</td><td class="n">${number(upstream, 3)}</td><td class="n">${number(local, 3)}</td>` : nothing}<td class="n">${number(product, 3)}</td></tr>`)}</tbody>
    <tfoot><tr><th scope="row">Σ</th>${one ? html`<td></td><td></td><td></td>` : nothing}<td class="n"><b>${number(gradient)}</b></td></tr></tfoot></table></div>`;
}
