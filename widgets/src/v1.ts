// The loader: it defines the elements and shows the news. The other widgets are
// files beside it, which are asked for when one of them is on the page.
//
// An element reads its attributes, each held to a pattern; asks the delivery API of
// the host that this file came from, without cookies; and shows what comes by
// createElement and textContent in a shadow tree with constructed style sheets. So
// the page may forbid inline styles and scripts and demand Trusted Types, and
// nothing in an attribute or an item is ever taken for markup.
//
// The room that a list needs is kept from the moment the element is defined. The
// link inside of the element stays: it is all that readers without JavaScript see,
// and the way on for everybody else.
import css from './_style.css';

export interface Item {
	collection: string; slug: string; locale: string; dir: string; title: string; summary?: string;
	published_at?: string; territories?: { name?: string }[]; organization?: { title: string } | null;
	assurance?: { status: string }; fields?: Record<string, any>;
}
export interface Row { title: string; url: string; locale: string; dir: string; meta: string[]; summary?: string }
export type Render = (v: View) => Promise<void>;

const here = import.meta.url.split(/[?#]/)[0];
const cut = here.lastIndexOf('/widgets/');
const host = here.slice(0, cut);
const folder = here.endsWith('/widgets/v1.js') ? host + '/widgets/v1/' : here.slice(0, here.lastIndexOf('/') + 1);

const tokens = ['accent', 'text', 'background', 'border', 'radius', 'font-size'];
const design = /^(#([\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})|0|\d{1,4}(\.\d{1,3})?(px|rem|em|%))$/i;
const patterns: Record<string, RegExp> = {
	locale: /^[a-z]{2,3}(-[a-z\d]{2,8})*$/i,
	territory: /^[a-z\d]{1,6}(,[a-z\d]{1,6})*$/i,
	national: /^(true|false)$/,
	topic: /^[a-z\d-]{1,60}(,[a-z\d-]{1,60})*$/,
	limit: /^([1-9]|1[0-2])$/,
	partner: /^[a-z][a-z\d-]{0,39}$/,
	slug: /^[\p{L}\p{N}._~-]{1,200}$/u,
	mode: /^(auto|light|dark)$/,
	level: /^[2-6]$/,
	heading: /^[^\p{Cc}]{1,120}$/u,
	site: /^https?:\/\/[a-z\d.-]+(:\d+)?(\/[\w.~\/-]*)?$/i,
};
for (const name of tokens) patterns[name] = design;

// look is one style sheet for all elements.
const look = new CSSStyleSheet();
look.replaceSync(css);

const kept: Record<string, Promise<any>> = {};
const once = <T>(key: string, make: () => Promise<T>): Promise<T> =>
	kept[key] ??= make().catch(e => { delete kept[key]; throw e; });

/** An element with text and children; attributes are set as they are named. */
export function h(name: string, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElement {
	const e = document.createElement(name);
	for (const k in attributes) if (attributes[k]) e.setAttribute(k, attributes[k]);
	e.append(...children);
	return e;
}

/** What a widget has to work with while it shows one state of its attributes. */
export class View {
	words: Record<string, string> = {};
	lang = 'en';
	h = h;
	folder = folder;
	constructor(public el: HTMLElement, public widget: string, public root: ShadowRoot, public body: HTMLElement,
		public status: HTMLElement, public signal: AbortSignal, private warned: Set<string>) { }

	/** An attribute, when it is as it has to be; otherwise the console says so once. */
	attr(name: string, otherwise = ''): string {
		const v = this.el.getAttribute(name)?.trim();
		if (!v) return otherwise;
		if (patterns[name].test(v)) return v;
		if (!this.warned.has(name)) {
			this.warned.add(name);
			console.warn(`prassi-${this.widget}: the attribute ${name} is not understood and is left out`);
		}
		return otherwise;
	}
	get locale() { return this.attr('locale', (this.el.closest('[lang]') as HTMLElement)?.lang.match(patterns.locale)?.[0] || 'it'); }
	get limit() { return +this.attr('limit', '3'); }

	word(key: string, values: Record<string, string | number> = {}): string {
		return (this.words[key] ?? '').replace(/\{(\w+)\}/g, (_, k) => String(values[k] ?? ''));
	}
	day(iso: string): string {
		const local = iso.length == 10 ? iso + 'T12:00Z' : iso.length == 16 ? iso + 'Z' : iso;
		const zone = iso.length > 16 ? 'Europe/Rome' : 'UTC'; // a local time of Italy says itself
		return new Intl.DateTimeFormat(this.lang, { dateStyle: 'long', timeZone: zone, ...(iso.length == 16 ? { timeStyle: 'short' } : {}) }).format(new Date(local));
	}
	page(i: { collection: string, locale: string, slug: string }): string {
		return [this.attr('site', host).replace(/\/$/, ''), i.locale, i.collection, encodeURIComponent(i.slug), ''].join('/');
	}
	params(more: Record<string, string>): URLSearchParams {
		const p = new URLSearchParams({ locale: this.locale });
		const back = ['it', 'en'].filter(l => l != this.locale).join();
		for (const [k, v] of Object.entries({ fallback: back, territory: this.attr('territory'), national: this.attr('territory') && this.attr('national') == 'true' ? 'true' : '', topic: this.attr('topic'), limit: '' + this.limit, partner: this.attr('partner'), widget: this.widget, ...more }))
			if (v) p.set(k, v);
		return p;
	}
	/** Asks the host; a refusal is an Error whose message is for the console. */
	async get(path: string): Promise<any> {
		const r = await fetch(host + path, { credentials: 'omit', referrerPolicy: 'no-referrer', signal: this.signal });
		const body = await r.json();
		if (!r.ok) throw Object.assign(new Error(`${body.detail} (${body.code})`), { body });
		return body;
	}
	/** Which language a text is in, when it is not the reader's. */
	foreign(locale: string): string {
		if (locale.split('-')[0] == this.lang.split('-')[0]) return '';
		return this.word('language', { language: new Intl.DisplayNames([this.lang], { type: 'language' }).of(locale) ?? locale });
	}
	row(i: Item, ...meta: (string | undefined)[]): Row {
		const note = this.foreign(i.locale);
		if (note) meta.push(note);
		if (i.assurance?.status == 'unverified') meta.push(this.word('unverified'));
		return { title: i.title, url: this.page(i), locale: i.locale, dir: i.dir, meta: meta.filter(Boolean) as string[] };
	}
	list(rows: Row[]): HTMLElement {
		if (!rows.length) return h('p', { class: 'm' }, this.word('empty'));
		return h('ul', { class: 'l n' }, ...rows.map(r => this.entry(r)));
	}
	entry(r: Row): HTMLElement {
		const other: Record<string, string> = this.foreign(r.locale) ? { lang: r.locale, dir: r.dir, hreflang: r.locale } : {};
		const li = h('li', {}, h('a', { class: 'a', href: r.url, ...other }, r.title));
		if (r.summary) li.append(h('p', { class: 's', lang: r.locale, dir: r.dir }, r.summary));
		if (r.meta.length) {
			const p = h('p', { class: 'm' });
			r.meta.forEach((m, n) => p.append(n ? ' · ' : '', h('span', { dir: 'auto' }, m)));
			li.append(p);
		}
		return li;
	}
}

async function news(v: View) {
	const d = await v.get('/api/v1/news?' + v.params({ fields: 'title,slug,collection,locale,dir,published_at,territories' }));
	v.body.replaceChildren(v.list(d.items.map((i: Item) => v.row(i, i.published_at && v.day(i.published_at), i.territories?.map(t => t.name).filter(Boolean).slice(0, 3).join(', ')))));
}

// widgets: how high each is without and per entry, in rem; where its code is.
const widgets: Record<string, [number, number, string?]> = {
	news: [6.75, 6], practices: [6.75, 6, 'more'], practice: [18, 0, 'more'], deadlines: [6.75, 6, 'more'], services: [17, 6, 'services'],
};

function define(name: string) {
	const [base, each, chunk] = widgets[name];
	customElements.define('prassi-' + name, class extends HTMLElement {
		static observedAttributes = Object.keys(patterns);
		#root?: ShadowRoot;
		#own = new CSSStyleSheet();
		#stop?: AbortController;
		#waiting = false;
		#warned = new Set<string>();

		connectedCallback() {
			if (!this.#root) {
				this.#root = this.attachShadow({ mode: 'open' });
				this.#root.adoptedStyleSheets = [look, this.#own];
			}
			this.#show();
		}
		disconnectedCallback() { this.#stop?.abort(); }
		attributeChangedCallback() {
			if (!this.#root || this.#waiting) return;
			this.#waiting = true;
			queueMicrotask(() => { this.#waiting = false; if (this.isConnected) this.#show(); });
		}
		async #show() {
			this.#stop?.abort();
			const stop = this.#stop = new AbortController();
			const root = this.#root!;
			const body = h('div', { 'aria-busy': 'true' }), status = h('p', { class: 'v', role: 'status' });
			const v = new View(this, name, root, body, status, stop.signal, this.#warned);
			const n = each ? v.limit : 1;
			v.attr('mode'); // the style sheet reads it; the console is told when it means nothing
			this.#own.replaceSync(`:host{--n:${n};--h:${base + each * n}rem;` + tokens.map(t => { const x = v.attr(t); return x && `--prassi-${t}:${x};`; }).join('') + '}');
			const two = v.locale.split('-')[0];
			const lang = ['it', 'fr', 'es', 'ar', 'zh'].includes(two) ? two : 'en';
			v.lang = lang == 'zh' ? 'zh-Hans' : lang;
			const title = h('h' + v.attr('level', '2'), { class: 'h', id: 't' }, v.attr('heading', '\u00a0'));
			const bones = () => h('li', {}, h('p', { class: 'k' }), h('p', { class: 'k' }));
			body.append(h('ul', { class: 'l n', 'aria-hidden': 'true' }, ...Array.from({ length: n }, bones)));
			root.replaceChildren(h('section', { class: 'w', lang: v.lang, dir: lang == 'ar' ? 'rtl' : 'ltr', 'aria-labelledby': 't' },
				title, status, body, h('p', { class: 'f' }, h('slot'))));
			try {
				const render = chunk ? once(chunk, () => import(`${folder}${chunk}.js`)).then(m => m[name] as Render) : Promise.resolve(news);
				v.words = await once(lang, () => fetch(`${folder}words.${lang}.json`, { credentials: 'omit', referrerPolicy: 'no-referrer' }).then(r => r.json()));
				if (stop.signal.aborted) return;
				if (!v.attr('heading')) title.textContent = v.word(name);
				await (await render)(v);
			} catch (e) {
				if (stop.signal.aborted) return;
				console.warn(`prassi-${name}: ${e instanceof Error ? e.message : e}`);
				const said = v.word('failed');
				body.replaceChildren(...(said ? [h('p', { class: 'm' }, said)] : []));
				status.textContent = said;
			}
			body.removeAttribute('aria-busy');
		}
	});
}

for (const name in widgets) if (!customElements.get('prassi-' + name)) define(name);
