// Audits the pages named on standard input in one browser and prints what came of
// it. Anything that keeps Lighthouse from a verdict ends it with an error.
import {text} from 'node:stream/consumers';
import {launch} from 'chrome-launcher';
import lighthouse, {desktopConfig} from 'lighthouse';

const order = JSON.parse(await text(process.stdin));
const chrome = await launch({
  chromePath: order.chromium,
  userDataDir: order.profile,
  logLevel: 'error',
  handleSIGINT: true,
  chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});
try {
  const pages = [];
  for (const url of order.urls) {
    pages.push(page(url, await audit(url)));
  }
  process.stdout.write(JSON.stringify(pages));
} finally {
  chrome.kill();
}

// audit tries again where Lighthouse itself asks for it: on a busy machine a trace
// may have no beginning.
async function audit(url) {
  for (let tries = 1; ; tries++) {
    const {lhr} = await lighthouse(url, {port: chrome.port, output: 'json', logLevel: 'error'}, order.desktop ? desktopConfig : undefined);
    if (!lhr.runtimeError) return lhr;
    if (tries === 3) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  }
}

function page(url, report) {
  const score = (id) => {
    const value = report.categories[id].score;
    if (value === null) throw new Error(`${url}: no score for ${id}`);
    return Math.round(value * 100);
  };
  return {
    url,
    performance: score('performance'),
    accessibility: score('accessibility'),
    bestPractices: score('best-practices'),
    seo: score('seo'),
    faults: ['accessibility', 'best-practices', 'seo'].flatMap((id) => lost(report, id)),
    slow: lost(report, 'performance'),
  };
}

// lost lists the audits of a category that cost points.
function lost(report, id) {
  return report.categories[id].auditRefs
    .filter((ref) => ref.weight > 0)
    .map((ref) => report.audits[ref.id])
    .filter((audit) => audit.score !== null && audit.score < 0.9)
    .map((audit) => ({
      id: audit.id,
      title: audit.title,
      value: audit.displayValue ?? '',
      where: (audit.details?.items ?? []).slice(0, 5).map((item) => [item.node?.snippet, item.description, item.url, item.source].find((said) => typeof said === 'string') ?? '').filter(Boolean),
    }));
}
