// The builder page: buttons that copy, and a preview that follows the form.
const form = document.getElementById('form') as HTMLFormElement;
const said = document.getElementById('said')!;
const areas = [...document.querySelectorAll('textarea')];

for (const area of areas) {
	const button = document.createElement('button');
	button.type = 'button';
	button.textContent = document.body.dataset.copy!;
	button.setAttribute('aria-describedby', area.getAttribute('aria-labelledby')!);
	button.addEventListener('click', async () => {
		area.select();
		await navigator.clipboard.writeText(area.value);
		said.textContent = '';
		said.textContent = document.body.dataset.copied!;
	});
	area.after(button);
}

interface Lines { element: string; frame: string; space: string; policy: string; attributes: { name: string, value: string }[] }

form.addEventListener('change', async () => {
	const data = new FormData(form), query = new URLSearchParams();
	for (const [k, x] of data) if (x && k != 'lang') query.set(k, '' + x);
	const answer = await fetch(`${form.action}line.json?${query}`);
	if (!answer.ok) return; // the button says what is wrong
	const l: Lines = await answer.json();
	[l.element, l.frame, l.space, l.policy].forEach((text, n) => { areas[n].value = text; });
	const old = document.querySelector('.preview')!.firstElementChild!;
	const fresh = document.createElement('prassi-' + query.get('widget'));
	for (const a of l.attributes) fresh.setAttribute(a.name, a.value);
	fresh.append(...old.childNodes);
	old.replaceWith(fresh);
});

export {};
