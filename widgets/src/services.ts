// Services near the reader: a town or, when the button is pressed, the position;
// a list, and a map beside it when it is asked for.
import type { Item, View } from './v1';
import css from './_services.css';

const radius = 20_000; // metres
const look = new CSSStyleSheet();
look.replaceSync(css);

interface Place { label?: string; address?: string; lat?: number; lon?: number; approximate?: boolean }

/** Kilometres between two points (WGS84), on a sphere. */
function away(lat: number, lon: number, p: Place): number {
	if (p.lat === undefined || p.lon === undefined) return Infinity;
	const rad = Math.PI / 180;
	const a = Math.sin((p.lat - lat) * rad / 2) ** 2 + Math.cos(lat * rad) * Math.cos(p.lat * rad) * Math.sin((p.lon - lon) * rad / 2) ** 2;
	return 12742 * Math.asin(Math.sqrt(a));
}

export async function services(v: View) {
	const { h } = v;
	if (!v.root.adoptedStyleSheets.includes(look)) v.root.adoptedStyleSheets = [...v.root.adoptedStyleSheets, look];
	const input = h('input', { id: 'p', name: 'near', autocomplete: 'address-level2', maxlength: '80' }) as HTMLInputElement;
	const locate = h('button', { type: 'button' }, v.word('locate')) as HTMLButtonElement;
	const form = h('form', { class: 'q' }, h('label', { for: 'p' }, v.word('place')), input, h('button', {}, v.word('find')), locate);
	const asMap = h('button', { type: 'button', 'aria-pressed': 'false' }, v.word('map')) as HTMLButtonElement;
	const told = h('p', { class: 'm c' });
	const map = h('div', { class: 'map', hidden: 'hidden' });
	const results = h('div');
	let near: Record<string, string> = {}, at: [number, number] | undefined;

	const say = (text: string) => { told.textContent = text; v.status.textContent = text; };
	async function draw() {
		if (map.hidden) return;
		const p = v.params({ ...near });
		p.delete('limit');
		p.delete('sort');
		p.delete('widget'); // counted once
		const draws = await import(v.folder + 'map.js');
		await draws.map(v, map, p);
	}
	async function search(quiet = false) {
		let d;
		try {
			d = await v.get('/api/v1/services?' + v.params({ ...near, fields: 'title,slug,collection,locale,dir,organization,assurance,fields.places' }));
		} catch (e: any) {
			if (!quiet && e.body?.code == 'invalid_filter') return say(v.word('no_place'));
			throw e;
		}
		const count = v.word('found', { count: d.total });
		if (quiet) told.textContent = count; else say(count);
		results.replaceChildren(v.list(d.items.map((i: Item) => {
			const places: Place[] = i.fields?.places ?? [];
			const km = at ? Math.min(...places.map(p => away(at![0], at![1], p))) : Infinity;
			const place = places.find(p => at && away(at[0], at[1], p) == km) ?? places[0];
			return v.row(i, i.organization?.title, place?.address ?? place?.label, isFinite(km) ? v.word('away', { km: km.toLocaleString(v.lang, { maximumFractionDigits: 1 }) }) : '',
				place?.approximate ? v.word('approximate') : '');
		})));
		await draw();
	}
	const failed = (e: any) => { if (!v.signal.aborted) { console.warn(`prassi-services: ${e.message}`); say(v.word('failed')); } };

	form.addEventListener('submit', e => {
		e.preventDefault();
		const name = input.value.trim();
		at = undefined;
		near = name ? { near: name, radius: '' + radius, sort: 'distance' } : {};
		search().catch(failed);
	});
	locate.addEventListener('click', () => {
		say(v.word('locating'));
		const lost = () => say(v.word('denied'));
		if (!navigator.geolocation) return lost();
		navigator.geolocation.getCurrentPosition(p => {
			// Three decimals are about a hundred metres: near enough for a list, and
			// nobody is told a front door.
			const lat = p.coords.latitude.toFixed(3), lon = p.coords.longitude.toFixed(3);
			at = [+lat, +lon];
			near = { near: lat + ',' + lon, radius: '' + radius, sort: 'distance' };
			search().catch(failed);
		}, lost, { timeout: 15_000, maximumAge: 300_000 });
	});
	asMap.addEventListener('click', () => {
		map.hidden = !map.hidden;
		asMap.setAttribute('aria-pressed', '' + !map.hidden);
		draw().catch(failed);
	});
	await search(true);
	v.body.replaceChildren(form, h('p', { class: 'b' }, told, asMap), map, results);
}
