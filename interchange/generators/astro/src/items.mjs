import {getCollection} from 'astro:content';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

// Read when it is asked for, so that a new export shows.
export const site = JSON.parse(readFileSync(join(process.cwd(), 'data', 'site.json'), 'utf8'));

export const entries = async () => await getCollection('items');

// What the lists need of every item.
export const items = async () => (await entries()).map(({data}) => ({
  url: data.prassi.url, title: data.title, description: data.description ?? '', date: data.date,
  key: data.prassi.locale.toLowerCase(), collection: data.prassi.collection,
  territories: data.territories ?? [], topics: data.topics ?? [],
}));
