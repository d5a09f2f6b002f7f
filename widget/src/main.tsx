import { render } from 'preact';
import { Client } from './api/client';
import { socketUrl } from './api/socket-url';
import { App } from './app';
import { readBoot, type Boot } from './boot';
import { Notice } from './components/notice';
import layout from './components/layout.module.css';
import { HostBridge } from './host/bridge';
import { renewalOf, reportHeight, startPipedrive } from './host/host';
import { LanguageProvider, loadLanguage } from './i18n/language';
import { PulseController } from './pulse/controller';
import { credentialsOf } from './session/exchange';
import { Session } from './session/session';
import './styles/base.css';

/** The parameters that the CRM put into the address: read once, then taken out of it. */
function takeParameters(): URLSearchParams {
  const parameters = new URLSearchParams(location.search);
  if (location.search !== '' || location.hash !== '') {
    history.replaceState(history.state, '', location.pathname);
  }
  return parameters;
}

async function start(root: HTMLElement): Promise<void> {
  const parameters = takeParameters();
  const boot = readBoot(document);
  const pipedrive = boot?.preset === 'pipedrive' ? startPipedrive(parameters.get('id')) : null;
  const language = await loadLanguage(boot?.locale ?? null);
  const { t } = language;
  document.documentElement.lang = language.f.locale;
  document.title = t.title;

  if (!boot) {
    render(
      <LanguageProvider value={language}>
        <main class={layout.pulse}>
          <Notice shape="none" title={t.states.misplaced}>
            <p>{t.states.misplacedText}</p>
          </Notice>
        </main>
      </LanguageProvider>,
      root,
    );
    return;
  }

  const bridge = new HostBridge(window, boot.hostOrigins);
  const controller = controllerOf(boot, bridge, pipedrive);
  render(
    <LanguageProvider value={language}>
      <App controller={controller} />
    </LanguageProvider>,
    root,
  );
  bridge.post({ type: 'pulse:ready' });
  reportHeight(root, bridge, pipedrive);
  await controller.start();
}

function controllerOf(
  boot: Boot,
  bridge: HostBridge,
  pipedrive: ReturnType<typeof startPipedrive> | null,
): PulseController {
  const session = new Session(
    credentialsOf(boot.session, boot.expiresAt),
    renewalOf(boot, bridge, pipedrive),
  );
  const controller = new PulseController({
    client: new Client(boot.graphqlUrl, session),
    session,
    listen: import('./api/live').then(({ listen }) => listen),
    subscriptionUrl: socketUrl(boot.subscriptionUrl, location.href),
    contactId: boot.contactId,
    company: boot.company,
    online: () => navigator.onLine,
  });
  const changed = (): void => {
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
