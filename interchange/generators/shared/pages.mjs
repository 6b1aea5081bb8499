// Which lists the site has: the home page, the collections, the territories and
// the topics of every language, in pages of `perPage` items.
export const perPage = 20;

// items: [{url, title, description, date, key, collection, territories, topics}]
// site: data/site.json
export function lists(items, site) {
  const out = [];
  const newest = [...items].sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : a.url < b.url ? -1 : 1));
  for (const language of site.languages) {
    const own = newest.filter((item) => item.key === language.key);
    const add = (base, title, some, links = []) => {
      const pages = Math.max(1, Math.ceil(some.length / perPage));
      const at = (n) => (n === 1 ? base : `${base}page/${n}/`);
      for (let n = 1; n <= pages; n++) {
        out.push({
          url: at(n), language, title: n === 1 ? title : `${title} (${n})`, links,
          items: some.slice((n - 1) * perPage, n * perPage),
          newer: n > 1 ? at(n - 1) : '', older: n < pages ? at(n + 1) : '',
        });
      }
    };
    const label = (entry) => entry.labels[language.key];
    add(`/${language.key}/`, site.title, own.slice(0, perPage));
    for (const {name, labels} of site.collections ?? []) {
      const some = own.filter((item) => item.collection === name);
      if (some.length) add(`/${language.key}/${name}/`, labels[language.key], some);
    }
    for (const kind of ['territories', 'topics']) {
      const used = (site[kind] ?? []).filter((entry) => own.some((item) => item[kind].includes(entry.name)));
      const base = `/${language.key}/${kind}/`;
      add(base, language.words[kind], [], used.map((entry) => ({url: `${base}${entry.name}/`, title: label(entry)})));
      for (const entry of used) add(`${base}${entry.name}/`, label(entry), own.filter((item) => item[kind].includes(entry.name)));
    }
  }
  return out;
}

// menu: the entries of the navigation of a language.
export function menu(items, site, language) {
  const entries = (site.collections ?? [])
    .filter(({name}) => items.some((item) => item.key === language.key && item.collection === name))
    .map(({name, labels}) => ({url: `/${language.key}/${name}/`, title: labels[language.key]}));
  for (const kind of ['territories', 'topics']) entries.push({url: `/${language.key}/${kind}/`, title: language.words[kind]});
  return entries;
}

const escapes = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'};
const xml = (value) => String(value ?? '').replace(/[&<>"']/g, (c) => escapes[c]);

// feed: the newest items of a language as RSS 2.0. base: https://example.org
export function feed(items, site, language, base) {
  const own = items.filter((item) => item.key === language.key).sort((a, b) => (a.date < b.date ? 1 : -1)).slice(0, perPage);
  const entries = own.map((item) => `<item><title>${xml(item.title)}</title><link>${xml(base + item.url)}</link>` +
    `<guid>${xml(base + item.url)}</guid><pubDate>${new Date(item.date).toUTCString()}</pubDate><description>${xml(item.description)}</description></item>`);
  return `<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>${xml(site.title)}</title>` +
    `<link>${xml(`${base}/${language.key}/`)}</link><description>${xml(site.title)}</description><language>${xml(language.tag)}</language>${entries.join('')}</channel></rss>\n`;
}

// sitemap: all addresses (sitemaps.org).
export function sitemap(urls, base) {
  return `<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` +
    urls.map((url) => `<url><loc>${xml(base + url)}</loc></url>`).join('') + '</urlset>\n';
}
