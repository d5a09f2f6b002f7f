// A browser for looking and testing: Debian's Chromium, as it is installed.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

const options = (switches) => ({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
    '--host-resolver-rules=MAP localhost 127.0.0.1',
    ...switches,
  ],
});

/** Launches the browser of `CHROMIUM`, or Debian's, with further switches. */
export const launch = (switches = []) => chromium.launch(options(switches));

/** A browser on a laptop that can be put to sleep: all of its processes stand still for a while. */
export async function launchLaptop() {
  const server = await chromium.launchServer(options([]));
  // Its processes are a group of their own.
  const signal = (name) => process.kill(-server.process().pid, name);
  return {
    browser: await chromium.connect(server.wsEndpoint()),
    sleep: async (ms) => {
      signal('SIGSTOP');
      await new Promise((awake) => setTimeout(awake, ms));
      signal('SIGCONT');
    },
    close: () => server.close(),
  };
}

/**
 * What axe finds wrong with a page or frame, one line for each element. It is evaluated by the
 * browser's own debugger, which the page's content security policy does not bind.
 */
export async function violations(frame) {
  await frame.evaluate(axe);
  const found = await frame.evaluate(async () => {
    const results = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return results.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
    }));
  });
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}\n  ${html}\n  ${failureSummary}`),
  );
}
