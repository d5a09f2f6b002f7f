// Takes a picture of every scenario at 280, 360 and 480 px, light and dark, into the folder given
// (../.test/look), and says what axe finds in each. Names after the folder choose scenarios.
import { mkdir } from 'node:fs/promises';
import { launch, violations } from './browser.mjs';
import { start } from './fixture-server.mjs';
import { scenarios } from './fixtures.mjs';

const widths = (process.env.PULSE_LOOK_WIDTHS ?? '280,360,480').split(',').map(Number);
const schemes = (process.env.PULSE_LOOK_SCHEMES ?? 'light,dark').split(',');
const [folder = new URL('../../.test/look', import.meta.url).pathname, ...chosen] =
  process.argv.slice(2);
const names = chosen.length > 0 ? chosen : Object.keys(scenarios);
await mkdir(folder, { recursive: true });

const server = await start();
const browser = await launch();
let found = 0;

for (const colorScheme of schemes) {
  for (const width of widths) {
    const context = await browser.newContext({
      viewport: { width, height: 400 },
      colorScheme,
      deviceScaleFactor: 2,
    });
    for (const name of names) {
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error') console.error(`${name}: ${message.text()}`);
      });
      page.on('pageerror', (error) => console.error(`${name}: ${error}`));
      await page.goto(`${server.url}/embed/${name}`);
      await page.locator('h1').waitFor({ state: 'attached' });
      if (!scenarios[name].hangs) await page.waitForLoadState('networkidle');
      if (width === 360) {
        // Everything that can be opened is looked at too.
        for (const summary of await page.locator('summary').all()) await summary.click();
        const rows = page.locator('[aria-expanded=false]');
        if ((await rows.count()) > 1) await rows.nth(1).click();
        if (name === 'notLinkedFinance') {
          await page.getByRole('searchbox').fill('bright');
          await page.getByRole('searchbox').press('Enter');
        }
        await page.waitForTimeout(250);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) console.error(`${name} at ${width}: ${wide} px wide`);
      for (const violation of await violations(page)) {
        found += 1;
        console.error(`${name} at ${width}, ${colorScheme}: ${violation}`);
      }
      await page.screenshot({
        path: `${folder}/${name}-${width}-${colorScheme}.png`,
        fullPage: true,
      });
      await page.close();
    }
    await context.close();
  }
}

await browser.close();
server.stop();
console.log(`${names.length} scenarios, ${found} violations; pictures in ${folder}`);
process.exitCode = found === 0 ? 0 : 1;
