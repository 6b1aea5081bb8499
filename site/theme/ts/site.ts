// What every page gains where scripts run. Without this all of it works too: the
// navigation stands open, menus are <details>, forms are forms.

// The navigation of narrow windows.
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-opens]')) {
  const menu = document.getElementById(button.dataset['opens'] ?? '');
  if (!menu) continue;
  const show = (open: boolean): void => {
    button.setAttribute('aria-expanded', String(open));
    menu.classList.toggle('open', open);
  };
  show(false);
  button.addEventListener('click', () => show(button.getAttribute('aria-expanded') !== 'true'));
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    show(false);
    button.focus();
  });
}

// A menu closes when attention goes elsewhere.
for (const menu of document.querySelectorAll<HTMLDetailsElement>('details.langs')) {
  document.addEventListener('click', (event) => {
    if (!menu.contains(event.target as Node)) menu.open = false;
  });
  menu.addEventListener('focusout', (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget as Node)) menu.open = false;
  });
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary')?.focus();
  });
}

// Today, as it is in Italy: the row of the opening hours, what has expired or is
// not yet in force, deadlines that are over. The page names every date in words; a
// copy of it that nobody has built anew for long says the right thing all the same.
const now = new Date();
const weekday = new Intl.DateTimeFormat('en', { weekday: 'short', timeZone: 'Europe/Rome' }).format(now).slice(0, 2).toLowerCase();
const clock = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Europe/Rome' }).format(now).replace(' ', 'T');
// over: a day or local time ("2026-11-22", "2026-11-22T13:00") lies in the past.
const over = (when: string): boolean => when !== '' && when < clock.slice(0, when.length);

for (const row of document.querySelectorAll<HTMLElement>(`[data-day="${weekday}"]`)) {
  row.classList.add('today');
  row.setAttribute('aria-current', 'date');
}
for (const notice of document.querySelectorAll<HTMLElement>('[data-until], [data-from]')) {
  const { until = '', from = '', words = '' } = notice.dataset;
  if (!over(until) && (from === '' || from > clock.slice(0, from.length))) continue;
  notice.classList.remove('warn');
  notice.classList.add(until ? 'bad' : 'good');
  const title = notice.querySelector('strong');
  if (title) title.textContent = words;
}
for (const list of document.querySelectorAll<HTMLElement>('[data-over]')) {
  for (const time of list.querySelectorAll('time')) {
    const item = time.closest('li');
    if (!item || item.classList.contains('past') || !over(time.dateTime)) continue;
    item.classList.add('past');
    const tag = document.createElement('span');
    tag.className = 'tag';
    tag.textContent = list.dataset['over'] ?? '';
    time.append(' ', tag);
  }
}

// A map is drawn when it comes near: its script is heavier than all the rest.
const near = new IntersectionObserver((entries) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  near.disconnect();
  const { script = '', style = '' } = (entries[0]?.target as HTMLElement).dataset;
  const sheet = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: style });
  sheet.addEventListener('load', () => document.head.append(Object.assign(document.createElement('script'), { src: script })));
  document.head.append(sheet);
}, { rootMargin: '150px' });
for (const map of document.querySelectorAll('.map[data-script]')) near.observe(map);

// A button that only a script can make useful is hidden without one.
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}
