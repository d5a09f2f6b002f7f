import type { Boot } from '../boot';
import { exchange } from '../session/exchange';
import type { Renewal } from '../session/session';
import type { HostBridge } from './bridge';
import type { PipedriveHost } from './pipedrive';

type PipedriveModule = typeof import('./pipedrive');

/** Pipedrive's kit once it stands, with the functions that use it. */
export type PipedriveStart = Promise<{
  readonly sdk: PipedriveHost;
  readonly pipedrive: PipedriveModule;
}>;

/**
 * Loads and initializes Pipedrive's kit, at once: it hides a panel that takes ten seconds for it.
 * `identifier` is the page's `id` parameter.
 */
export function startPipedrive(identifier: string | null): PipedriveStart {
  const start = async (): PipedriveStart => {
    if (!identifier) throw new Error('the address has no id');
    const pipedrive = await import('./pipedrive');
    return { sdk: await pipedrive.connectPipedrive(identifier), pipedrive };
  };
  const starting = start();
  // Whoever needs it sees the failure; where nobody does, it is no error of the page.
  starting.catch(() => undefined);
  return starting;
}

/** How this page gets a new session; `null` where the CRM cannot give it one. */
export function renewalOf(
  boot: Pick<Boot, 'canRenew' | 'exchangeUrl'>,
  bridge: Pick<HostBridge, 'connected' | 'requestToken'>,
  pipedrive: PipedriveStart | null,
): Renewal | null {
  const { canRenew, exchangeUrl } = boot;
  if (!canRenew || exchangeUrl === null) return null;
  if (pipedrive) {
    return async () => {
      const started = await pipedrive;
      return exchange(exchangeUrl, await started.pipedrive.signedToken(started.sdk));
    };
  }
  if (!bridge.connected) return null;
  return async () => exchange(exchangeUrl, await bridge.requestToken());
}

/** Tells the page how tall the widget is, each time that it changes. */
export function reportHeight(
  root: HTMLElement,
  bridge: Pick<HostBridge, 'post'>,
  pipedrive: PipedriveStart | null,
): void {
  let last = 0;
  const observer = new ResizeObserver(() => {
    const height = Math.ceil(root.getBoundingClientRect().height);
    if (height === last || height === 0) return;
    last = height;
    bridge.post({ type: 'pulse:resize', height });
    pipedrive
      ?.then(
        ({ sdk, pipedrive: kit }) => kit.resize(sdk, height),
        () => undefined,
      )
      .catch(() => undefined);
  });
  observer.observe(root);
}
