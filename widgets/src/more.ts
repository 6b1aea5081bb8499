// Practices, one practice, deadlines.
import type { Item, Row, View } from './v1';

const head = 'title,slug,collection,locale,dir,organization,territories';
const names = (i: Item) => i.territories?.map(t => t.name).filter(Boolean).slice(0, 3).join(', ');

export async function practices(v: View) {
	const d = await v.get('/api/v1/practices?' + v.params({ fields: head }));
	v.body.replaceChildren(v.list(d.items.map((i: Item) => v.row(i, i.organization?.title, names(i)))));
}

export async function practice(v: View) {
	const slug = v.attr('slug');
	if (!slug) throw new Error('the attribute slug is missing: write the last part of the practice’s address');
	const p = v.params({ fields: head + ',summary' });
	for (const k of ['fallback', 'territory', 'national', 'topic', 'limit']) p.delete(k);
	const i: Item = await v.get(`/api/v1/practices/${encodeURIComponent(slug)}?${p}`);
	const row: Row = { ...v.row(i, i.organization?.title, names(i)), summary: i.summary };
	v.body.replaceChildren(v.h('ul', { class: 'l' }, v.entry(row)));
	(v.root.querySelector('.f') as HTMLElement).hidden = true; // the title is the link
}

interface Deadline extends Item { label: string; from: string; to?: string }

export async function deadlines(v: View) {
	const p = v.params({});
	p.delete('fallback');
	const d = await v.get('/api/v1/deadlines?' + p);
	v.body.replaceChildren(v.list(d.items.map((i: Deadline): Row => ({
		...v.row(i, i.to ? v.word('since', { from: v.day(i.from), to: v.day(i.to) }) : v.word('until', { date: v.day(i.from) }), i.title), title: i.label,
	}))));
}
