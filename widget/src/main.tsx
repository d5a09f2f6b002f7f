import { render, type ComponentChildren } from 'preact';
import { Client } from './api/client';
import { socketUrl } from './api/socket-url';
import { App } from './app';
import { readBoot, type Boot } from './boot';
import { Notice } from './components/notice';
import layout from './components/layout.module.css';
import type { Wish } from './host/bridge';
import type { Host } from './host/host';
import { showTheme } from './host/theme';
import { LanguageProvider, loadLanguage } from './i18n/language';
import { PulseController } from './pulse/controller';
import { credentialsOf } from './session/credentials';
import { ServerClock } from './session/server-clock';
import { Session, type Credentials, type Renewal } from './session/session';
import './styles/base.css';

/** The parameters that the CRM put into the address: read once, then taken out of it. */
function takeParameters(): URLSearchParams {
  const parameters = new URLSearchParams(location.search);
  if (location.search !== '' || location.hash !== '') {
    history.replaceState(history.state, '', location.pathname);
  }
  return parameters;
}

/** Shows a view in the language of a locale; again in another one when it is called again. */
async function show(root: HTMLElement, locale: string | null, view: () => ComponentChildren) {
  const language = await loadLanguage(locale);
  document.documentElement.lang = language.f.locale;
  document.title = language.t.title;
  render(<LanguageProvider value={language}>{view()}</LanguageProvider>, root);
  return language;
}

async function start(root: HTMLElement): Promise<void> {
  const parameters = takeParameters();
  showTheme(parameters.get('theme'));
  const boot = readBoot(document);
  if (!boot) {
    const { t } = await loadLanguage(null);
    await show(root, null, () => (
      <main class={layout.pulse}>
        <Notice shape="none" title={t.states.misplaced}>
          <p>{t.states.misplacedText}</p>
        </Notice>
      </main>
    ));
    return;
  }

  const clock = new ServerClock();
  let speak: (locale: string) => void = () => undefined;
  const wished = (wish: Wish): void => {
    if (wish.type === 'pulse:theme') showTheme(wish.theme);
    else speak(wish.locale);
  };
  const host = import('./host/host').then(({ Host }) => new Host(boot, parameters, clock, wished));
  // Where a session is needed from it, the failure is seen; else the page does without.
  host.catch(() => undefined);

  const placed = await place(boot, host);
  const controller = controllerOf(placed, host, clock);
  const app = () => <App controller={controller} />;
  let shown = boot.locale;
  speak = (locale) => {
    if (locale === shown) return;
    shown = locale;
    void show(root, locale, app);
  };
  await show(root, boot.locale, app);
  host.then(
    (started) => {
      started.attend(root);
    },
    () => undefined,
  );
  await controller.start();
}

/** Where a page stands: its contact, and the session about it. */
interface Placed {
  readonly boot: Boot;
  readonly contactId: string | null;
  readonly credentials: Credentials | null;
}

/** monday names its record to its own kit only, so that the first session is about no contact yet. */
async function place(boot: Boot, host: Promise<Host>): Promise<Placed> {
  const credentials = credentialsOf(boot.session, boot.expiresAt, boot.hardCap);
  if (boot.contactId === null && boot.renewal === 'monday') {
    try {
      return { boot, ...(await (await host).place()) };
    } catch {
      // The page then says that there is no contact to show.
    }
  }
  return { boot, contactId: boot.contactId, credentials };
}

/** How the page renews its session; `null` where nobody can be asked. */
function renewalOf(boot: Boot, host: Promise<Host>): Renewal | null {
  const { renewal } = boot;
  if (renewal === 'none' || (renewal === 'host' && window.parent === window)) return null;
  return {
    get: async (current) => (await host).renew(current),
    fromItself: renewal === 'session',
  };
}

function controllerOf(placed: Placed, host: Promise<Host>, clock: ServerClock): PulseController {
  const { boot } = placed;
  const session = new Session(placed.credentials, renewalOf(boot, host), clock);
  const controller = new PulseController({
    client: new Client(boot.graphqlUrl, session),
    session,
    listen: import('./api/live').then(({ listen }) => listen),
    subscriptionUrl: socketUrl(boot.subscriptionUrl, location.href),
    contactId: placed.contactId,
    company: boot.company,
    online: () => navigator.onLine,
  });
  const changed = (): void => {
    session.check();
    controller.networkChanged();
  };
  window.addEventListener('online', changed);
  window.addEventListener('offline', changed);
  // Timers sleep in hidden tabs and closed laptops: look at the clock on the way back.
  document.addEventListener('visibilitychange', () => {
    session.check();
  });
  return controller;
}

const root = document.getElementById('app');
if (root) void start(root);
