// Yours to change: an export leaves it as it is from then on.
import {readFileSync} from 'node:fs';
import markdownIt from 'markdown-it';
import {feed, lists, menu, sitemap} from './pages.mjs';

const base = process.env.SITE_URL ?? 'https://example.org';
const read = () => JSON.parse(readFileSync(new URL('./data/site.json', import.meta.url), 'utf8'));

export default function (config) {
  // The words come from authors: no raw HTML. markdown-it refuses addresses that
  // run something by itself.
  config.setLibrary('md', markdownIt({html: false}));
  config.addPassthroughCopy({static: '/'});
  config.addWatchTarget('./data/');
  config.addGlobalData('base', base);

  const items = (api) => api.getAll().filter(({data}) => data.prassi).map(({data}) => ({
    url: data.prassi.url, title: data.title, description: data.description ?? '', date: new Date(data.date).toISOString(),
    key: data.prassi.locale.toLowerCase(), collection: data.prassi.collection,
    territories: data.territories ?? [], topics: data.topics ?? [],
  }));
  config.addCollection('lists', (api) => lists(items(api), read()));
  config.addCollection('menus', (api) => {
    const site = read();
    return Object.fromEntries(site.languages.map((language) => [language.key, menu(items(api), site, language)]));
  });
  config.addCollection('feeds', (api) => {
    const site = read();
    return site.languages.map((language) => ({url: `/${language.key}/feed.xml`, text: feed(items(api), site, language, base)}));
  });
  config.addCollection('addresses', (api) => {
    const all = items(api);
    return sitemap([...all.map(({url}) => url), ...lists(all, read()).map(({url}) => url)], base);
  });
  config.addFilter('language', (locale, site) => site.languages.find(({key}) => key === locale.toLowerCase()));
  config.addFilter('translation', (other, prassi) => prassi?.alternates?.find(({locale}) => locale === other.tag)?.url ?? `/${other.key}/`);
  config.addFilter('day', (date) => date.slice(0, 10));

  return {
    dir: {input: '.', includes: 'layouts', data: 'data', output: '_site'},
    markdownTemplateEngine: false,
    templateFormats: ['md', 'njk'],
  };
}
