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

// Today, as it is in Italy, among the opening hours.
const day = new Intl.DateTimeFormat('en', { weekday: 'short', timeZone: 'Europe/Rome' }).format(new Date()).slice(0, 2).toLowerCase();
for (const row of document.querySelectorAll<HTMLElement>(`[data-day="${day}"]`)) {
  row.classList.add('today');
  row.setAttribute('aria-current', 'date');
}

// A button that only a script can make useful is hidden without one.
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}
