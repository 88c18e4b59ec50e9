// What is too wide scrolls in a box of its own, tables and formulas: whoever uses a keyboard gets into it, too, and is
// told what it is. A box in which nothing scrolls is no stop.
const boxes = '.md-typeset__scrollwrap, .md-typeset p:has(> math[display="block"])'
const fit = box => {
  const scrolls = box.scrollWidth > box.clientWidth
  if (scrolls === box.hasAttribute('tabindex')) return
  const name = scrolls && headingOf(box)
  for (const [key, value] of [['tabindex', scrolls && '0'], ['role', name && 'region'], ['aria-label', name]]) {
    if (value) box.setAttribute(key, value)
    else box.removeAttribute(key)
  }
}
const headingOf = box => {
  const before = [...document.querySelectorAll('.md-typeset :is(h1, h2, h3)')].filter(
    heading => heading.compareDocumentPosition(box) & Node.DOCUMENT_POSITION_FOLLOWING,
  )
  return before.length ? before.at(-1).textContent.replace('¶', '').trim() : ''
}
const sizes = new ResizeObserver(changes => changes.forEach(change => fit(change.target)))
const observed = new WeakSet()
let waiting = false
const look = () => {
  waiting = false
  for (const box of document.querySelectorAll(boxes)) {
    if (!observed.has(box)) sizes.observe(box)  // which tells its size at once, and then each change
    observed.add(box)
  }
}
// The theme puts tables into their boxes when the page is there, and exchanges pages; once a frame is enough.
new MutationObserver(() => {
  if (!waiting) requestAnimationFrame(look)
  waiting = true
}).observe(document.body, { childList: true, subtree: true })
look()
// From files the studio can't run: browsers start no worker there.
if (location.protocol === 'file:') for (const live of document.querySelectorAll('details.live')) live.remove()
