// Search over the words of all pages, and the keyboard's way into what scrolls. No other host is asked.
{
  const found = document.getElementById("found"), input = document.getElementById("search");
  const link = ({ at, title, text }, word) => {
    const place = Math.max(0, text.toLowerCase().indexOf(word) - 40), item = document.createElement("li");
    const a = Object.assign(document.createElement("a"), { href: at, textContent: title });
    item.append(a, ` … ${text.slice(place, place + 120)} …`);
    return item;
  };
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter((word) => word.length > 1);
    const times = ({ title, text }) => {
      const all = `${title} ${title} ${title} ${text}`.toLowerCase();
      const counts = words.map((word) => all.split(word).length - 1);
      return Math.min(...counts) && counts.reduce((a, b) => a + b, 0);
    };
    const hits = words.length ? PAGES.map((page) => [times(page), page]).filter(([n]) => n > 0) : [];
    hits.sort((a, b) => b[0] - a[0]);
    found.replaceChildren(...hits.slice(0, 8).map(([, page]) => link(page, words[0])));
    if (words.length && !hits.length) found.textContent = "No page has all these words.";
  });
  input.form.addEventListener("submit", (event) => event.preventDefault());
  const reach = () => document.querySelectorAll("table, mjx-container, pre").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });
  addEventListener("load", () => setTimeout(reach, 500));
}
