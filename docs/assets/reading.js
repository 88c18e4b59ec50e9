// Wide tables scroll in boxes that the theme makes: whoever uses a keyboard gets into them, too.
const reachable = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) box.tabIndex = 0
}
new MutationObserver(reachable).observe(document.body, { childList: true, subtree: true })
reachable()
