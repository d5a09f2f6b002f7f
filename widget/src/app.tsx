import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { About, FreshnessNotice } from './components/freshness';
import { Aging } from './components/aging';
import { Behavior } from './components/behavior';
import { CustomerShown } from './components/customer';
import { Figures } from './components/figures';
import { Insights } from './components/insights';
import layout from './components/layout.module.css';
import { lazy } from './components/lazy';
import { Notice } from './components/notice';
import { Purchases } from './components/purchases';
import { Skeleton } from './components/skeleton';
import { Transactions } from './components/transactions';
import { Verdict } from './components/verdict';
import { isNegative } from './format/decimal';
import { useLanguage, type Language } from './i18n/language';
import type { PulseController } from './pulse/controller';
import type { Shown, State, Unlinked } from './pulse/state';

const Linking = lazy(async () => (await import('./components/linking')).Linking);

/** What the views may do. */
export type Doing = Pick<
  PulseController,
  'load' | 'resume' | 'showMore' | 'openDetails' | 'openPurchases' | 'findCustomers' | 'link'
>;

interface AppProps {
  readonly controller: Doing & Pick<PulseController, 'state' | 'watch'>;
}

/** The whole widget: one view for each state, and the words for those who hear the page. */
export function App({ controller }: AppProps) {
  const language = useLanguage();
  const [state, setState] = useState(controller.state);
  const [words, announce] = useState('');
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // What happened before the first effect ran is not missed.
    setState(controller.state);
    return controller.watch(setState);
  }, [controller]);
  useFocusKept(main, state.phase);
  useNews(language, state, announce);

  return (
    <>
      <main class={layout.pulse} ref={main}>
        <View state={state} doing={controller} announce={announce} />
      </main>
      <p class="heard" role="status" aria-live="polite">
        {words}
      </p>
    </>
  );
}

interface ViewProps {
  readonly state: State;
  readonly doing: Doing;
  readonly announce: (words: string) => void;
}

function View({ state, doing, announce }: ViewProps) {
  const { t } = useLanguage();
  switch (state.phase) {
    case 'loading':
      return <Skeleton />;
    case 'shown':
      return <PulseView state={state} doing={doing} />;
    case 'unlinked':
      return <UnlinkedView state={state} doing={doing} announce={announce} />;
    case 'absent':
      return (
        <Notice shape="none" title={t.states.absent}>
          <p>{t.states.absentText}</p>
        </Notice>
      );
    case 'forbidden':
      return (
        <Notice shape="lock" title={t.states.forbidden}>
          <p>{t.states.forbiddenText}</p>
        </Notice>
      );
    case 'ended':
      return (
        <Notice shape="lock" title={t.states.ended}>
          <p>
            {t.states.endedText} {state.capped ? t.states.endedCapped : t.states.endedReload}
          </p>
          {state.renewable && (
            <Button
              act={() => doing.resume()}
              busy={state.renewing ? t.states.endedRenewing : null}
              words={t.states.endedRenew}
            />
          )}
        </Notice>
      );
    case 'offline':
      return (
        <Notice shape="away" title={t.states.offline}>
          <p>{t.states.offlineText}</p>
        </Notice>
      );
    case 'failed':
      return (
        <Notice shape="trouble" title={t.states.failed}>
          <p role="alert">{t.errors[state.code]}</p>
          <Button
            act={() => doing.load()}
            busy={state.retrying ? t.states.retrying : null}
            words={t.states.retry}
          />
        </Notice>
      );
  }
}

interface ButtonProps {
  readonly act: () => Promise<void>;
  /** Its words while it works; `null` while it does not. */
  readonly busy: string | null;
  readonly words: string;
}

/** Stays where it is while it works, so that the focus does not get lost. */
function Button({ act, busy, words }: ButtonProps) {
  return (
    <button
      type="button"
      class={`${layout.button} ${layout.primary}`}
      aria-disabled={busy !== null}
      onClick={() => {
        if (busy === null) void act();
      }}
    >
      {busy ?? words}
    </button>
  );
}

function PulseView({ state, doing }: { readonly state: Shown; readonly doing: Doing }) {
  const { t } = useLanguage();
  const { pulse, link, viewer, purchases } = state;
  // Before the first load is through there is nothing yet that figures could be made of.
  const empty = pulse.freshness.status === 'SYNCING' && !pulse.balance;
  const showMore = useCallback(() => void doing.showMore(), [doing]);
  const open = useCallback((id: string) => void doing.openDetails(id), [doing]);
  const openPurchases = useCallback(() => void doing.openPurchases(), [doing]);
  return (
    <>
      <Verdict decision={pulse.decision} />
      <FreshnessNotice freshness={pulse.freshness} />
      <CustomerShown link={link} pulse={pulse} />
      {!empty && <Figures pulse={pulse} />}
      <Insights pulse={pulse} />
      {pulse.balance && <Aging balance={pulse.balance} />}
      {(!empty || state.documents.total > 0) && (
        <Transactions state={state} showMore={showMore} open={open} />
      )}
      {pulse.behaviors.length > 0 && <Behavior behaviors={pulse.behaviors} />}
      {pulse.purchases && (
        <Purchases
          year={pulse.purchases}
          purchases={purchases}
          today={pulse.asOf}
          open={openPurchases}
        />
      )}
      <About state={state} />
      {!viewer.canSeeAmounts && <p class={layout.small}>{t.band.note}</p>}
    </>
  );
}

interface UnlinkedProps {
  readonly state: Unlinked;
  readonly doing: Doing;
  readonly announce: (words: string) => void;
}

function UnlinkedView({ state, doing, announce }: UnlinkedProps) {
  const { t } = useLanguage();
  return (
    <>
      <Notice shape="link" title={t.states.unlinked}>
        <p>
          {t.states.unlinkedText}
          {!state.viewer.canLink && ` ${t.states.unlinkedAsk}`}
        </p>
      </Notice>
      {state.viewer.canLink && (
        <Linking
          find={(search) => doing.findCustomers(search)}
          link={(customerId) => doing.link(customerId)}
          announce={announce}
        />
      )}
    </>
  );
}

/** Where a view goes away under the focus, the focus goes to the heading of the next one. */
function useFocusKept(main: { readonly current: HTMLElement | null }, phase: State['phase']): void {
  const inside = useRef(false);
  useEffect(() => {
    const note = (): void => {
      inside.current = main.current?.contains(document.activeElement) ?? false;
    };
    document.addEventListener('focusin', note);
    return () => {
      document.removeEventListener('focusin', note);
    };
  }, [main]);
  useEffect(() => {
    if (!inside.current || main.current?.contains(document.activeElement)) return;
    main.current?.querySelector('h1')?.focus();
  }, [main, phase]);
}

/** Tells what changed while the page was open, and how many documents there now are. */
function useNews(language: Language, state: State, announce: (words: string) => void): void {
  const { t } = language;
  const changes = state.phase === 'shown' ? state.changes : 0;
  const visible = state.phase === 'shown' ? state.documents.visible : 0;
  const before = useRef({ changes, visible });
  useEffect(() => {
    if (state.phase === 'shown') {
      const { documents, pulse } = state;
      if (changes > before.current.changes) {
        announce(t.announce.changed(t.decision[pulse.decision.result], owed(language, state)));
      } else if (before.current.visible > 0 && visible > before.current.visible) {
        const shown = Math.min(visible, documents.edges.length);
        announce(t.announce.more(shown, documents.total));
      }
    }
    before.current = { changes, visible };
  }, [changes, visible]);
}

/** The outstanding figure in words. */
function owed({ t, f }: Language, { pulse }: Shown): string {
  if (!pulse.balance) return t.unknown;
  const { byCurrency } = pulse.balance;
  if (byCurrency.length === 0) return t.figures.nothing;
  return byCurrency
    .map(({ outstanding, outstandingBand }) => {
      if (!outstanding) return t.band.outstanding[outstandingBand];
      const amount = f.moneyMagnitude(outstanding);
      return isNegative(outstanding.amount) ? `${amount} ${t.figures.inCredit}` : amount;
    })
    .join(', ');
}
