// What is too wide scrolls in a box of its own, tables and formulas: whoever uses a keyboard gets into it, too.
const boxes = '.md-typeset__scrollwrap, .md-typeset p:has(> math[display="block"])'
const reachable = () => {
  for (const box of document.querySelectorAll(boxes)) if (box.tabIndex < 0) box.tabIndex = 0
}
new MutationObserver(reachable).observe(document.body, { childList: true, subtree: true })
reachable()
