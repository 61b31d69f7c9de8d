// Read by MathJax, which comes after it.
window.MathJax = { tex: { inlineMath: [["$", "$"], ["\\(", "\\)"]] }, options: { enableMenu: false } };
