// The child process that drives one browser for one Go test.
//
//   node driver.mjs SETTINGS(JSON)
//
// Lines of JSON on standard input and output:
//
//   → {"script": "…", "args": …}     an ES module; its default export is called
//   ← {"value": …} or {"error": "…"} the answer, one for each, in order
//   ← {"problem": {…}}               at any time: see watch()
//
// The first answer comes by itself, when the browser is ready. Standard input's
// end closes the browser, so it dies with its parent, however that dies.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const settings = JSON.parse(process.argv[2]);
const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
console.log = console.error; // standard output is the protocol's

let browser;
let stopping = false;
async function stop(code) {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(1), 8_000).unref();
  await browser?.close().catch(() => {});
  fs.rmSync(settings.scratch, { recursive: true, force: true });
  process.exit(code);
}
process.on('SIGINT', () => {}); // the parent decides, not the terminal
process.stdin.on('end', () => stop(0)).on('close', () => stop(0)).on('error', () => stop(0));

const loopback = (host) => host === '[::1]' || host === 'localhost' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host);

// watch tells what a visitor would not see and a test should.
async function watch(context) {
  const problem = (kind, text, where) => send({ problem: { kind, text, where } });
  context.on('console', (message) => {
    if (message.type() === 'error') problem('console', message.text(), message.location().url);
  });
  context.on('weberror', (event) => problem('page', String(event.error()?.stack ?? event.error()), event.page()?.url() ?? ''));
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && !loopback(url.hostname)) problem('outside', request.url(), request.frame()?.url() ?? '');
  });
  await context.exposeBinding('prassiTestViolation', ({ frame }, text) => problem('policy', text, frame.url()));
  await context.addInitScript(() => {
    window.addEventListener('securitypolicyviolation', (e) => {
      window.prassiTestViolation(`${e.effectiveDirective} blocks ${e.blockedURI} (${e.sourceFile || 'inline'}:${e.lineNumber}) ${e.sample}`.trim());
    }, true);
  });
}

// The rules of WCAG 2.2, levels A and AA. target-size is off unless asked for.
const wcag = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'],
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations'],
};

// axe checks the page, or the part of it that a CSS selector names, and returns
// what breaks WCAG 2.2 AA.
const checker = (current) => async (selector, page = current) => {
  for (const frame of page.frames()) await frame.evaluate(axeSource);
  const { violations } = await page.evaluate(([what, options]) => window.axe.run(what ?? document, options), [selector, wcag]);
  return violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help, nodes: nodes.map(({ target, html, failureSummary }) => ({ target: target.flat(9).join(' '), html, summary: failureSummary })),
  }));
};

async function main() {
  browser = await chromium.launch({
    executablePath: settings.chromium,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-first-run', '--no-proxy-server',
      // Nothing but this machine exists.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]',
    ],
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
  });
  browser.on('disconnected', () => stop(1));
  const context = await browser.newContext(settings.context);
  context.setDefaultTimeout(settings.patience);
  await watch(context);
  const page = await context.newPage();
  const shot = (name, options = {}) => page.screenshot({ fullPage: true, ...options, path: path.join(settings.shots, `${name}.png`) }).then(() => undefined);
  send({ value: { browser: browser.version() } });

  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      const { script, args } = JSON.parse(line);
      const module = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
      const value = await module.default({ page, context, browser, axe: checker(page), shot, args });
      // What the page did until now is told before the answer is.
      if (settings.context.javaScriptEnabled && !page.isClosed()) await page.evaluate(() => new Promise((done) => setTimeout(done))).catch(() => {});
      send({ value: value ?? null });
    } catch (error) {
      send({ error: String(error?.stack ?? error) });
    }
  }
}

main().catch((error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  stop(1);
});
