// The map of the services: an SVG with the shapes of the provinces, or tiles where
// the operator has set some, and the places that the API has put together into
// groups. What it shows stands in the list beside it as well.
import type { View } from './v1';

type Point = [number, number];
interface Feature { geometry: { coordinates: Point }; properties: { cluster?: boolean; count?: number; expansion_zoom?: number; title?: string; slug?: string; locale?: string } }

const space = 'http://www.w3.org/2000/svg';
function s(name: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): SVGElement {
	const e = document.createElementNS(space, name);
	for (const k in attributes) e.setAttribute(k, '' + attributes[k]);
	e.append(...children);
	return e;
}

/** Web Mercator (EPSG:3857) with the world as the unit square. */
const project = ([lon, lat]: Point): Point => {
	const y = Math.asinh(Math.tan(Math.max(-85, Math.min(85, lat)) * Math.PI / 180));
	return [lon / 360 + .5, .5 - y / (2 * Math.PI)];
};

/** The arcs of a topology (TopoJSON, section 2.1.4), projected. */
function arcsOf(t: any): Point[][] {
	const [kx, ky] = t.transform?.scale ?? [1, 1], [dx, dy] = t.transform?.translate ?? [0, 0];
	return t.arcs.map((arc: number[][]) => {
		let x = 0, y = 0;
		return arc.map(([a, b]) => {
			if (t.transform) { x += a; y += b; } else { x = a; y = b; }
			return project([x * kx + dx, y * ky + dy]);
		});
	});
}

let shapes: Promise<Point[][]> | undefined;

export async function map(v: View, box: HTMLElement, query: URLSearchParams) {
	let zoom = 5, centre: Point = project([12.5, 42]);
	const width = () => box.clientWidth || 600, height = () => box.clientHeight || 320;
	let found: Feature[] = [];
	const load = async () => {
		query.set('zoom', '' + zoom);
		found = (await v.get('/api/v1/services.geojson?' + query)).features;
	};
	const outlines = v.words['outlines'];
	const arcs = outlines ? await (shapes ??= fetch(v.folder + outlines, { credentials: 'omit', referrerPolicy: 'no-referrer' }).then(r => r.json()).then(arcsOf)) : [];
	await load();
	const spots = found.map(f => project(f.geometry.coordinates));
	if (spots.length) { // what was found fills the window
		const xs = spots.map(p => p[0]), ys = spots.map(p => p[1]);
		const span = Math.max((Math.max(...xs) - Math.min(...xs)) / (width() - 60), (Math.max(...ys) - Math.min(...ys)) / (height() - 60), 1e-9);
		zoom = Math.max(4, Math.min(14, Math.floor(Math.log2(1 / (256 * span)))));
		centre = [(Math.max(...xs) + Math.min(...xs)) / 2, (Math.max(...ys) + Math.min(...ys)) / 2];
		await load();
	}
	const svg = s('svg', { role: 'group', 'aria-label': v.word('map'), tabindex: 0 });
	const move = async (z: number, c: Point = centre) => {
		zoom = Math.max(4, Math.min(18, z));
		centre = c;
		await load();
		draw();
		svg.focus();
	};
	const at = (p: Point): Point => {
		const size = 256 * 2 ** zoom;
		return [(p[0] - centre[0]) * size + width() / 2, (p[1] - centre[1]) * size + height() / 2];
	};
	function tiles(): SVGElement[] {
		const template = v.words['tiles'];
		if (!template) return [];
		const out: SVGElement[] = [], n = 2 ** zoom, w = width() / 512, t = height() / 512;
		for (let x = Math.floor(centre[0] * n - w); x <= centre[0] * n + w; x++)
			for (let y = Math.max(0, Math.floor(centre[1] * n - t)); y <= Math.min(n - 1, centre[1] * n + t); y++) {
				const [px, py] = at([x / n, y / n]);
				const href = template.replace('{z}', '' + zoom).replace('{x}', '' + ((x % n) + n) % n).replace('{y}', '' + y);
				out.push(s('image', { href, x: px, y: py, width: 256, height: 256 }));
			}
		return out;
	}
	function draw() {
		const marks = found.map(f => {
			const [x, y] = at(project(f.geometry.coordinates)), p = f.properties;
			if (x < -20 || y < -20 || x > width() + 20 || y > height() + 20) return;
			if (p.cluster) {
				const open = () => { move(p.expansion_zoom ?? zoom + 2, project(f.geometry.coordinates)).catch(warn); };
				const g = s('g', { role: 'button', tabindex: 0, 'aria-label': v.word('cluster', { count: p.count ?? 0 }) }, s('circle', { cx: x, cy: y, r: 16 }), s('text', { x, y, 'aria-hidden': 'true' }, '' + p.count));
				g.addEventListener('click', open);
				g.addEventListener('keydown', e => { if (e.key == 'Enter' || e.key == ' ') { e.preventDefault(); open(); } });
				return g;
			}
			return s('a', { href: v.page({ collection: 'services', locale: p.locale ?? v.locale, slug: p.slug ?? '' }), 'aria-label': p.title ?? '' },
				s('title', {}, p.title ?? ''), s('circle', { cx: x, cy: y, r: 12 }));
		}).filter(Boolean) as SVGElement[];
		const line = arcs.map(a => 'M' + a.map(p => at(p).map(c => c.toFixed(1)).join()).join('L')).join('');
		svg.replaceChildren(...tiles(), ...(line ? [s('path', { class: 'o', d: line, fill: 'none', 'aria-hidden': 'true' })] : []), ...marks);
	}
	const warn = (e: any) => { if (!v.signal.aborted) console.warn(`prassi-services: ${e.message}`); };
	const pan = (x: number, y: number) => { const size = 256 * 2 ** zoom; centre = [centre[0] + x / size, centre[1] + y / size]; draw(); };
	svg.addEventListener('keydown', e => {
		const by = ({ ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] } as Record<string, Point>)[e.key];
		if (by && e.target == svg) { e.preventDefault(); pan(...by); }
	});
	let from: Point | undefined;
	svg.addEventListener('pointerdown', e => { from = [e.clientX, e.clientY]; });
	svg.addEventListener('pointermove', e => {
		if (!from || !e.buttons) return;
		pan(from[0] - e.clientX, from[1] - e.clientY);
		from = [e.clientX, e.clientY];
	});
	const button = (sign: string, key: string, by: number) => {
		const b = v.h('button', { type: 'button', 'aria-label': v.word(key) }, sign);
		b.addEventListener('click', () => { move(zoom + by).then(() => b.focus()).catch(warn); });
		return b;
	};
	draw();
	box.replaceChildren(svg, v.h('div', { class: 'z' }, button('+', 'zoom_in', 1), button('−', 'zoom_out', -1)), ...(v.words['attribution'] ? [v.h('p', { class: 'i' }, v.words['attribution'])] : []));
}
