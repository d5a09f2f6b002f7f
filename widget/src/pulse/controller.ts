import type { Client } from '../api/client';
import { ApiError } from '../api/errors';
import {
  CustomersDocument,
  LinkContactDocument,
  PulseDocument,
  PurchasesDocument,
  TransactionDetailsDocument,
  TransactionsDocument,
} from '../api/generated';
import type { LiveEnd, listen as listenTo } from '../api/live';
import type { Customer } from '../api/types';
import type { Session } from '../session/session';
import { initial, reduce, type Action, type State } from './state';

/** Before the server is asked again about a subscription that it closed; doubled each time. */
const askAgainAfterMs = 2_000;
const askAgainAtMostMs = 120_000;

export interface Surroundings {
  readonly client: Pick<Client, 'ask'>;
  readonly session: Session;
  /** Loaded beside the first answer: the first paint does not wait for it. */
  readonly listen: Promise<typeof listenTo>;
  readonly subscriptionUrl: string;
  readonly contactId: string | null;
  readonly company: string | null;
  readonly online: () => boolean;
}

/**
 * Runs the widget: asks once, listens from then on, and asks for more only when the viewer opens
 * something. Holds the state; views subscribe to it.
 */
export class PulseController {
  private current: State = initial;
  private readonly watchers = new Set<(state: State) => void>();
  private stopListening: (() => void) | null = null;
  private subscriptions = 0;
  /** How often in a row the whole question was asked for want of a subscription. */
  private detours = 0;
  private again: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly around: Surroundings) {}

  get state(): State {
    return this.current;
  }

  /** Calls `watcher` after each change; returns the way to stop. */
  watch(watcher: (state: State) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Loads the pulse and listens to it. */
  async start(): Promise<void> {
    const { session } = this.around;
    session.start({
      renewed: () => {
        // The subscription ends with the session that opened it: move over to the new one.
        if (this.current.phase === 'shown') void this.subscribe();
        else if (this.current.phase === 'ended') void this.load();
      },
      ended: () => {
        this.end();
      },
    });
    if (session.token() === null && !(await session.renew())) this.end();
    else await this.load();
  }

  /** Asks the whole question, at the start and when the viewer wants another try. */
  async load(): Promise<void> {
    clearTimeout(this.again);
    if (this.around.contactId === null) {
      this.dispatch({ type: 'failed', code: 'NOT_FOUND', online: true });
      return;
    }
    this.dispatch({ type: 'load' });
    try {
      const { viewer, contact } = await this.around.client.ask(PulseDocument, this.contact());
      this.dispatch({ type: 'answered', viewer, contact });
      void this.subscribe();
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** Asks the CRM for a new session after the old one ended. */
  async resume(): Promise<void> {
    this.dispatch({ type: 'renewing', renewing: true });
    const renewed = await this.around.session.resume();
    if (!renewed) this.dispatch({ type: 'renewing', renewing: false });
  }

  /** Shows more documents, and loads the next page when those at hand run out. */
  async showMore(): Promise<void> {
    this.dispatch({ type: 'more' });
    await this.fill();
  }

  /** Asks what stands on a document. */
  async openDetails(id: string): Promise<void> {
    const { current: state } = this;
    if (state.phase !== 'shown' || state.details[id]?.is === 'loading') return;
    if (state.details[id]?.is === 'loaded') return;
    const { edges } = state.documents;
    const place = edges.findIndex(({ node }) => node.id === id);
    const before = edges[place - 1]?.cursor ?? null;
    this.dispatch({ type: 'details', id, details: { is: 'loading' } });
    try {
      const value = (await this.details(id, 1, before)) ?? (await this.details(id, 20, null));
      if (!value) throw new ApiError('NOT_FOUND');
      this.dispatch({ type: 'details', id, details: { is: 'loaded', value } });
    } catch (thrown) {
      const { code } = ApiError.of(thrown);
      this.dispatch({ type: 'details', id, details: { is: 'failed', code } });
    }
  }

  /** Asks what they bought. */
  async openPurchases(): Promise<void> {
    const { current: state } = this;
    if (state.phase !== 'shown' || (state.purchases && state.purchases.is !== 'failed')) return;
    this.dispatch({ type: 'purchases', purchases: { is: 'loading' } });
    try {
      const { contact } = await this.around.client.ask(PurchasesDocument, {
        ...this.contact(),
        year: state.pulse.purchases?.year ?? null,
      });
      const value = contact?.pulse?.purchases?.items ?? [];
      this.dispatch({ type: 'purchases', purchases: { is: 'loaded', value } });
    } catch (thrown) {
      const { code } = ApiError.of(thrown);
      this.dispatch({ type: 'purchases', purchases: { is: 'failed', code } });
    }
  }

  /** Customers of the books by name, e-mail or number. Rejects with an {@link ApiError}. */
  async findCustomers(search: string): Promise<readonly Customer[]> {
    return (await this.around.client.ask(CustomersDocument, { search })).customers;
  }

  /** Says that the contact is this customer. Rejects with an {@link ApiError}. */
  async link(customerId: string): Promise<void> {
    const { contactId } = this.contact();
    const { linkContact } = await this.around.client.ask(LinkContactDocument, {
      input: { contactId, customerId },
    });
    this.dispatch({ type: 'linked', contact: linkContact.contact });
    void this.subscribe();
  }

  /** The network came or went. */
  networkChanged(): void {
    if (!this.around.online()) {
      this.dispatch({ type: 'live', live: false });
    } else if (this.current.phase === 'offline') {
      void this.load();
    }
  }

  private contact(): { contactId: string; company: string | null } {
    return { contactId: this.around.contactId ?? '', company: this.around.company };
  }

  private async details(id: string, first: number, after: string | null) {
    const { contact } = await this.around.client.ask(TransactionDetailsDocument, {
      ...this.contact(),
      first,
      after,
    });
    return contact?.pulse?.transactions.nodes.find((node) => node.id === id);
  }

  /** Loads pages until as many documents are at hand as are to be shown. */
  private async fill(): Promise<void> {
    for (;;) {
      const { current: state } = this;
      if (state.phase !== 'shown') return;
      const { edges, visible, hasMore, loading, endCursor } = state.documents;
      if (edges.length >= visible || !hasMore || loading) return;
      this.dispatch({ type: 'moreLoading' });
      try {
        const { contact } = await this.around.client.ask(TransactionsDocument, {
          ...this.contact(),
          after: endCursor,
        });
        const page = contact?.pulse?.transactions;
        if (!page) throw new ApiError('NOT_FOUND');
        this.dispatch({ type: 'pageLoaded', after: endCursor, page });
      } catch (thrown) {
        this.dispatch({ type: 'moreFailed', code: ApiError.of(thrown).code });
        return;
      }
    }
  }

  private async subscribe(): Promise<void> {
    this.unsubscribe();
    const mine = ++this.subscriptions;
    const listen = await this.around.listen;
    const token = this.around.session.token();
    // Meanwhile another may have begun, or the session ended.
    if (mine !== this.subscriptions || this.current.phase !== 'shown' || token === null) return;
    this.stopListening = listen(this.around.subscriptionUrl, token, this.contact(), {
      pulse: (pulse) => {
        this.detours = 0;
        this.dispatch({ type: 'pushed', pulse });
        void this.fill();
      },
      connected: (live) => {
        this.dispatch({ type: 'live', live });
      },
      ended: (why) => {
        this.listeningEnded(why);
      },
    });
  }

  private unsubscribe(): void {
    this.subscriptions += 1;
    this.stopListening?.();
    this.stopListening = null;
  }

  private listeningEnded(why: LiveEnd): void {
    this.stopListening = null;
    this.dispatch({ type: 'live', live: false });
    if (why === 'UNAUTHENTICATED') {
      // A renewed session subscribes again by itself; one that cannot be renewed is over.
      void this.around.session.rejected();
    } else if (why === 'NOT_FOUND' || why === 'FORBIDDEN') {
      this.dispatch({ type: 'failed', code: why, online: true });
    } else {
      // The link or the role may have changed: only the whole question tells.
      this.askAgain();
    }
  }

  private askAgain(): void {
    clearTimeout(this.again);
    const wait = Math.min(askAgainAtMostMs, askAgainAfterMs * 2 ** Math.min(this.detours, 10));
    this.detours += 1;
    this.again = setTimeout(() => void this.load(), wait);
  }

  private fail(thrown: unknown): void {
    const { code } = ApiError.of(thrown);
    if (code === 'UNAUTHENTICATED') this.end();
    else this.dispatch({ type: 'failed', code, online: this.around.online() });
    if (this.current.phase === 'shown') this.askAgain();
  }

  private end(): void {
    clearTimeout(this.again);
    this.unsubscribe();
    const { renewable, capped } = this.around.session;
    this.dispatch({ type: 'ended', renewable, capped });
  }

  private dispatch(action: Action): void {
    const next = reduce(this.current, action);
    if (next === this.current) return;
    this.current = next;
    for (const watcher of this.watchers) watcher(next);
  }
}
