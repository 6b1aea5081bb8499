// Reads documents, one JSON object a line ({"format", "text"}), and answers each
// with {"faults", "items"}: what validators and independent readers object to, and
// the titles that the readers saw.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { XmlDocument, RelaxNGValidator } from 'libxml2-wasm';
import { parseFeed } from '@rowanmanning/feed-parser';
import { parseAtomFeed, parseJsonFeed, parseRssFeed, detectAtomFeed, detectJsonFeed, detectRssFeed } from 'feedsmith';
import ICAL from 'ical.js';
import { convertIcsCalendar } from 'ts-ics';
import * as zod from '@ts-ics/schema-zod';

const here = new URL('.', import.meta.url);
const grammar = (name) => RelaxNGValidator.fromDoc(XmlDocument.fromString(readFileSync(new URL(name, here), 'utf8')));
const grammars = { atom: grammar('atom.rng'), rss: grammar('rss.rng') };

// attempt notes what f throws.
function attempt(faults, who, f) {
  try {
    return f();
  } catch (e) {
    for (const d of e.details ?? [e]) faults.push(`${who}: ${d.line ? `line ${d.line}: ` : ''}${d.message ?? d}`);
  }
}

function sameTitles(faults, lists) {
  const [first, ...rest] = lists.filter(Boolean);
  for (const other of rest) {
    // One of them decodes entities in plain text a second time.
    const sure = (list) => JSON.stringify(list.map((s) => (s.includes('&') || first[list.indexOf(s)]?.includes('&') ? '' : s)));
    if (sure(other) !== sure(first)) faults.push(`two readers disagree: ${JSON.stringify(first)} and ${JSON.stringify(other)}`);
  }
  return first ?? [];
}

const squeeze = (s) => (s ?? '').replace(/\s+/g, ' ').trim();

function xml(format, text) {
  const faults = [];
  const doc = attempt(faults, 'libxml2', () => XmlDocument.fromString(text));
  if (doc) {
    attempt(faults, 'schema', () => grammars[format].validate(doc));
    // What no grammar says: identifiers are unique, and the feed names its own address.
    const ns = { a: 'http://www.w3.org/2005/Atom' };
    const ids = doc.find(format === 'atom' ? '//a:id' : '//guid', ns).map((n) => n.content);
    if (new Set(ids).size !== ids.length) faults.push('rules: an identifier is there twice');
    if (doc.find('/*/a:link[@rel="self"] | /rss/channel/a:link[@rel="self"]', ns).length !== 1) faults.push('rules: the feed does not name itself once');
    for (const n of doc.find('//a:content[@type="html"] | //*[local-name()="encoded"]', ns)) {
      if (/\s(href|src|srcset)="(?![a-z][a-z0-9+.-]*:|")/i.test(n.content)) faults.push('rules: the content has a relative address');
      if (/<(script|style|iframe|object|embed|form)\b|\son\w+\s*=/i.test(n.content.replace(/&lt;/g, ''))) faults.push('rules: the content has what readers must not run');
    }
    doc.dispose();
  }
  const detect = { atom: detectAtomFeed, rss: detectRssFeed }[format];
  const parse = { atom: parseAtomFeed, rss: parseRssFeed }[format];
  if (!detect(text)) faults.push('feedsmith: it does not see a feed of this kind');
  const a = attempt(faults, 'feedsmith', () => (parse(text).entries ?? parse(text).items ?? []).map((e) => squeeze(e.title?.value ?? e.title)));
  const b = attempt(faults, 'feed-parser', () => parseFeed(text).items.map((i) => squeeze(i.title)));
  return { faults, items: sameTitles(faults, [a, b]) };
}

function json(text) {
  const faults = [];
  const tree = attempt(faults, 'JSON', () => JSON.parse(text));
  if (!detectJsonFeed(tree)) faults.push('feedsmith: it does not see a feed of this kind');
  const items = attempt(faults, 'feedsmith', () => (parseJsonFeed(tree).items ?? []).map((i) => squeeze(i.title)));
  const ids = (tree?.items ?? []).map((i) => i.id);
  if (new Set(ids).size !== ids.length) faults.push('rules: an identifier is there twice');
  return { faults, items: items ?? [] };
}

// How often a property stands in a component (RFC 5545, sections 3.6 and 3.6.1, RFC
// 7986): [least, most].
const once = [1, 1], perhaps = [0, 1], any = [0, Infinity];
const calendarRules = {
  version: once, prodid: once, calscale: perhaps, method: [0, 0], uid: perhaps, url: perhaps, name: any, description: any,
  source: perhaps, 'refresh-interval': perhaps, color: perhaps, 'last-modified': perhaps, image: any, categories: any,
};
const eventRules = {
  uid: once, dtstamp: once, dtstart: once, dtend: perhaps, duration: perhaps, created: perhaps, 'last-modified': perhaps, sequence: perhaps,
  summary: perhaps, description: perhaps, location: perhaps, geo: perhaps, url: perhaps, status: perhaps, transp: perhaps, class: perhaps,
  categories: any, conference: any, priority: perhaps,
};
const words = {
  status: ['TENTATIVE', 'CONFIRMED', 'CANCELLED'], transp: ['OPAQUE', 'TRANSPARENT'], class: ['PUBLIC', 'PRIVATE', 'CONFIDENTIAL'],
};

function count(faults, component, rules) {
  const seen = {};
  for (const p of component.getAllProperties()) seen[p.name] = (seen[p.name] ?? 0) + 1;
  for (const [name, n] of Object.entries(seen)) {
    if (!rules[name] && !name.startsWith('x-')) faults.push(`rules: ${component.name} has ${name}`);
  }
  for (const [name, [least, most]] of Object.entries(rules)) {
    const n = seen[name] ?? 0;
    if (n < least || n > most) faults.push(`rules: ${component.name} has ${n} of ${name}`);
  }
}

function calendar(text) {
  const faults = [];
  const bytes = Buffer.from(text);
  if (!text.endsWith('\r\n') || /(^|[^\r])\n|\r(?!\n)/.test(text)) faults.push('rules: a line does not end with CRLF');
  for (const line of bytes.toString('latin1').split('\r\n')) {
    if (line.length > 75) faults.push(`rules: a line of ${line.length} octets`);
    if (Buffer.from(line, 'latin1').toString('utf8').includes('\uFFFD')) faults.push('rules: a line is folded inside of a character');
  }
  if (/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/.test(text)) faults.push('rules: a control character');
  ICAL.design.strict = true;
  let titles;
  attempt(faults, 'ical.js', () => {
    const root = new ICAL.Component(ICAL.parse(text));
    count(faults, root, calendarRules);
    const zones = new Set(root.getAllSubcomponents('vtimezone').map((z) => z.getFirstPropertyValue('tzid')));
    const uids = new Set();
    titles = root.getAllSubcomponents('vevent').map((v) => {
      count(faults, v, eventRules);
      const uid = v.getFirstPropertyValue('uid');
      if (uids.has(uid)) faults.push(`rules: the UID ${uid} is there twice`);
      uids.add(uid);
      const start = v.getFirstProperty('dtstart'), end = v.getFirstProperty('dtend');
      for (const p of [start, end].filter(Boolean)) {
        const zone = p.getParameter('tzid');
        if (zone && !zones.has(zone)) faults.push(`rules: no VTIMEZONE for ${zone}`);
        if (p.type === 'date-time' && !zone && p.getFirstValue().zone !== ICAL.Timezone.utcTimezone) faults.push('rules: a floating time');
      }
      if (end && end.type !== start.type) faults.push('rules: DTSTART and DTEND are of two kinds');
      if (end && end.getFirstValue().compare(start.getFirstValue()) <= 0) faults.push('rules: DTEND is not after DTSTART');
      for (const [name, list] of Object.entries(words)) {
        const value = v.getFirstPropertyValue(name);
        if (value && !list.includes(value)) faults.push(`rules: ${name} is ${value}`);
      }
      return squeeze(v.getFirstPropertyValue('summary'));
    });
    const known = new Set(['vtimezone', 'vevent']);
    for (const c of root.getAllSubcomponents()) if (!known.has(c.name)) faults.push(`rules: a ${c.name}`);
  });
  // It takes the words BEGIN:VEVENT inside of a title for the begin of an event.
  const misled = /[^\r\n](BEGIN|END):V/.test(text.replace(/\r\n[ \t]/g, ''));
  const other = misled ? undefined : attempt(faults, 'ts-ics', () => {
    // Its schema wants an end, which section 3.6.1 does not: then the event ends as it begins.
    const ended = text.replace(/^BEGIN:VEVENT\r\n[^]*?^END:VEVENT/gm, (v) => (/^DTEND/m.test(v) ? v : v.replace(/END:VEVENT$/, 'DURATION:PT0S\r\nEND:VEVENT')));
    const answer = convertIcsCalendar(zod.zIcsCalendar, ended);
    return (answer.events ?? []).map((e) => squeeze(e.summary));
  });
  return { faults, items: sameTitles(faults, [titles, other]) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { format, text } = JSON.parse(line);
  const answer = format === 'ics' ? calendar(text) : format === 'json' ? json(text) : xml(format, text);
  process.stdout.write(JSON.stringify(answer) + '\n');
}
