import type { ErrorCode } from '../api/errors';
import type {
  Contact,
  ContactLink,
  ItemPurchases,
  Pulse,
  TransactionDetails,
  TransactionEdge,
  TransactionPage,
  Viewer,
} from '../api/types';

/** How many documents are shown at first, and how many more each "show more" brings. */
export const firstRows = 5;
export const moreRows = 10;

/** Something that is asked for when it is opened. */
export type OnDemand<T> =
  | { readonly is: 'loading' }
  | { readonly is: 'loaded'; readonly value: T }
  | { readonly is: 'failed'; readonly code: ErrorCode };

/** The documents at hand, newest first; `visible` of them are shown. */
export interface Documents {
  readonly edges: readonly TransactionEdge[];
  readonly total: number;
  readonly hasMore: boolean;
  readonly endCursor: string | null;
  readonly visible: number;
  readonly loading: boolean;
  readonly failed: ErrorCode | null;
}

/** A contact with its pulse. */
export interface Shown {
  readonly phase: 'shown';
  readonly viewer: Viewer;
  readonly contactId: string;
  readonly link: ContactLink;
  readonly pulse: Pulse;
  readonly documents: Documents;
  /** What stands on the documents that were opened, by document. */
  readonly details: Readonly<Record<string, OnDemand<TransactionDetails>>>;
  readonly purchases: OnDemand<readonly ItemPurchases[]> | null;
  /** Whether changes arrive by themselves at the moment. */
  readonly live: boolean;
  /** How many times the pulse changed since the page opened. */
  readonly changes: number;
}

/** A contact that is no customer yet. */
export interface Unlinked {
  readonly phase: 'unlinked';
  readonly viewer: Viewer;
  readonly contactId: string;
}

/** How a session ended. */
interface End {
  /** Whether the CRM can be asked for another. */
  readonly renewable: boolean;
  /** Whether it lasted as long as one may. */
  readonly capped: boolean;
}

/** The session is over: nothing that it protected is kept. */
export interface Ended extends End {
  readonly phase: 'ended';
  readonly renewing: boolean;
}

/** Everything that the widget can show, one view each. */
export type State =
  | { readonly phase: 'loading' }
  | Shown
  | Unlinked
  /** Not there, or not for this viewer: the server does not tell which. */
  | { readonly phase: 'absent' }
  | { readonly phase: 'forbidden' }
  | Ended
  | { readonly phase: 'offline' }
  | { readonly phase: 'failed'; readonly code: ErrorCode; readonly retrying: boolean };

export type Action =
  | { readonly type: 'load' }
  | { readonly type: 'answered'; readonly viewer: Viewer; readonly contact: Contact | null }
  | { readonly type: 'linked'; readonly contact: Contact }
  | { readonly type: 'pushed'; readonly pulse: Pulse }
  | { readonly type: 'live'; readonly live: boolean }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly online: boolean }
  | ({ readonly type: 'ended' } & End)
  | { readonly type: 'renewing'; readonly renewing: boolean }
  | { readonly type: 'more' }
  | { readonly type: 'moreLoading' }
  | { readonly type: 'moreFailed'; readonly code: ErrorCode }
  | {
      readonly type: 'pageLoaded';
      readonly after: string | null;
      readonly page: TransactionPage;
    }
  | {
      readonly type: 'details';
      readonly id: string;
      readonly details: OnDemand<TransactionDetails> | null;
    }
  | { readonly type: 'purchases'; readonly purchases: OnDemand<readonly ItemPurchases[]> | null };

export const initial: State = { phase: 'loading' };

/** The next state. Whatever arrives for a view that is no longer shown changes nothing. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'load':
      if (state.phase === 'failed') return { ...state, retrying: true };
      return state.phase === 'shown' ? state : { phase: 'loading' };
    case 'answered':
      return answered(state, action.viewer, action.contact);
    case 'linked':
      return state.phase === 'unlinked' || state.phase === 'shown'
        ? answered(state, state.viewer, action.contact)
        : state;
    case 'failed':
      return failed(state, action.code, action.online);
    case 'ended':
      return {
        phase: 'ended',
        renewable: action.renewable,
        capped: action.capped,
        renewing: false,
      };
    case 'renewing':
      return state.phase === 'ended' ? { ...state, renewing: action.renewing } : state;
    default:
      return state.phase === 'shown' ? whileShown(state, action) : state;
  }
}

function answered(state: State, viewer: Viewer, contact: Contact | null): State {
  if (!contact) return { phase: 'absent' };
  const { id: contactId, link, pulse } = contact;
  if (!pulse) return { phase: 'unlinked', viewer, contactId };
  if (state.phase === 'shown') return { ...pushed(state, pulse), viewer, link };
  return {
    phase: 'shown',
    viewer,
    contactId,
    link,
    pulse,
    documents: documentsOf(pulse.transactions, firstRows),
    details: {},
    purchases: null,
    live: true,
    changes: 0,
  };
}

function failed(state: State, code: ErrorCode, online: boolean): State {
  // Figures that were shown stay, with their age; only the news does not arrive.
  if (state.phase === 'shown' && code === 'NETWORK') return { ...state, live: false };
  if (code === 'NOT_FOUND') return { phase: 'absent' };
  if (code === 'FORBIDDEN') return { phase: 'forbidden' };
  if (code === 'NETWORK' && !online) return { phase: 'offline' };
  return { phase: 'failed', code, retrying: false };
}

function whileShown(state: Shown, action: Action): Shown {
  switch (action.type) {
    case 'pushed':
      return pushed(state, action.pulse);
    case 'live':
      return { ...state, live: action.live };
    case 'more':
      return withDocuments(state, { visible: state.documents.visible + moreRows });
    case 'moreLoading':
      return withDocuments(state, { loading: true, failed: null });
    case 'moreFailed':
      return withDocuments(state, { loading: false, failed: action.code });
    case 'pageLoaded':
      return state.documents.endCursor === action.after
        ? withDocuments(state, appended(state.documents, action.page))
        : withDocuments(state, { loading: false });
    case 'details': {
      const { [action.id]: before, ...others } = state.details;
      return {
        ...state,
        details: action.details ? { ...others, [action.id]: action.details } : others,
      };
    }
    case 'purchases':
      return { ...state, purchases: action.purchases };
    default:
      return state;
  }
}

/** A pulse that came by itself takes the place of the one before, whole. */
function pushed(state: Shown, pulse: Pulse): Shown {
  if (JSON.stringify(pulse) === JSON.stringify(state.pulse)) return { ...state, live: true };
  const { visible } = state.documents;
  return {
    ...state,
    pulse,
    live: true,
    changes: state.changes + (sameFigures(pulse, state.pulse) ? 0 : 1),
    // Pages beyond the first may have changed too: what is still wanted of them is asked again.
    documents: documentsOf(pulse.transactions, visible),
    details: keepUnchanged(state, pulse.transactions.edges),
    purchases: null,
  };
}

/** Whether nothing but the time of the last look differs. */
function sameFigures(a: Pulse, b: Pulse): boolean {
  const figures = ({ freshness: _, ...rest }: Pulse) => JSON.stringify(rest);
  return figures(a) === figures(b);
}

function keepUnchanged(state: Shown, edges: readonly TransactionEdge[]): Shown['details'] {
  const before = new Map(state.documents.edges.map(({ node }) => [node.id, JSON.stringify(node)]));
  const unchanged = new Set(
    edges
      .filter(({ node }) => before.get(node.id) === JSON.stringify(node))
      .map(({ node }) => node.id),
  );
  return Object.fromEntries(Object.entries(state.details).filter(([id]) => unchanged.has(id)));
}

function documentsOf(page: TransactionPage, visible: number): Documents {
  return {
    edges: page.edges,
    total: page.totalCount,
    hasMore: page.pageInfo.hasNextPage,
    endCursor: page.pageInfo.endCursor,
    visible,
    loading: false,
    failed: null,
  };
}

function appended(documents: Documents, page: TransactionPage): Documents {
  const known = new Set(documents.edges.map(({ node }) => node.id));
  return {
    ...documentsOf(page, documents.visible),
    edges: [...documents.edges, ...page.edges.filter(({ node }) => !known.has(node.id))],
  };
}

const withDocuments = (state: Shown, change: Partial<Documents>): Shown => ({
  ...state,
  documents: { ...state.documents, ...change },
});
