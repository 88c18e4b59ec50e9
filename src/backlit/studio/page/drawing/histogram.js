// How values are spread: bars between the lowest and the highest, with a line at one of them.
import { html, nothing, svg } from "../lit.js";
import { number, say } from "../say.js";

const [WIDTH, HEIGHT] = [120, 38];

export function histogram({ low, high, counts }, value = null) {
  const most = Math.max(...counts, 1);
  const width = WIDTH / counts.length;
  const at = value === null || high === low ? null : ((value - low) / (high - low)) * WIDTH;
  return html`<svg class="histogram" width=${WIDTH} height=${HEIGHT} role="img" aria-label=${say("histogram-told", { low: number(low, 3), high: number(high, 3) })}>
      ${counts.map((count, index) => (count ? rect(index * width + 0.5, 36 - (34 * count) / most, Math.max(width - 1, 1), (34 * count) / most) : nothing))}
      <path d="M0 36.5H120"></path>${at === null ? nothing : svg`<path class="here" d=${`M${at.toFixed(1)} 0V36`}></path>`}</svg>
    <div class="small soft n ends"><span>${number(low, 2)}</span><span>${number(high, 2)}</span></div>`;
}

const rect = (x, y, width, height) => svg`<rect x=${x} y=${y} width=${width} height=${height}></rect>`;
