import type {
  AgingBucket,
  Band,
  Dataset,
  DecisionResult,
  FreshnessStatus,
  LimitOrigin,
  LinkOrigin,
  TransactionKind,
  TransactionStatus,
} from '../api/generated';
import type { ErrorCode } from '../api/errors';
import type { Insight, Reason } from '../api/types';
import type { Format } from '../format/format';

const days = (f: Format, n: string | number): string =>
  `${f.dayCount(n)} ${f.oneDay(n) ? 'day' : 'days'}`;

/** Every word that the widget shows. Other languages have the same shape. */
export const en = {
  title: 'Financial Pulse',
  unknown: 'Not known',
  decision: {
    label: 'May I sell more on account?',
    why: 'Why',
    OK: 'Clear to sell',
    CAUTION: 'Check first',
    HOLD: 'Hold',
    UNKNOWN: 'Can’t say yet',
  } satisfies Record<DecisionResult | 'label' | 'why', string>,

  reason: (f: Format, { code, message, amount, days: n, share, date }: Reason): string => {
    switch (code) {
      case 'NOT_LINKED':
        return 'Not linked to a customer in the books';
      case 'SYNCING':
        return 'The books are still being loaded';
      case 'PARTIAL':
        return 'Part of the books is missing';
      case 'TOO_OLD':
        return 'The figures are too old to decide on';
      case 'NO_RATE':
        return 'No exchange rate for the limit’s currency';
      case 'OVER_LIMIT':
        return amount
          ? `Over the credit limit by ${f.moneyMagnitude(amount)}`
          : 'Over the credit limit';
      case 'CASH_ONLY':
        return amount
          ? `Cash only, and ${f.moneyMagnitude(amount)} is still owed`
          : 'Cash only, and something is still owed';
      case 'LIMIT_EXPIRED':
        return date ? `The credit limit ended on ${f.date(date)}` : 'The credit limit has ended';
      case 'LONG_OVERDUE':
        return n === null
          ? 'Overdue for too long'
          : amount
            ? `${f.moneyMagnitude(amount)} overdue, for up to ${days(f, n)}`
            : `Overdue for ${days(f, n)}`;
      case 'OVERDUE':
        if (amount && n !== null)
          return `${f.moneyMagnitude(amount)} overdue, for up to ${days(f, n)}`;
        if (amount) return `${f.moneyMagnitude(amount)} overdue`;
        return n === null ? 'Something is overdue' : `Overdue for ${days(f, n)}`;
      case 'NEAR_LIMIT':
        return share
          ? `${f.percent(share)} of the credit limit is used`
          : 'Close to the credit limit';
      case 'NO_LIMIT':
        return 'No credit limit is set';
      case 'TIE_OUT_DIFFERENCE':
        return amount
          ? `The books’ own balance differs by ${f.moneyMagnitude(amount)}`
          : 'The books’ own balance differs from ours';
      case 'DISCONNECTED':
        return 'The connection to the books is lost';
      case 'IN_ORDER':
        return 'Everything is in order';
      default:
        return message;
    }
  },

  customer: {
    own: 'Linked to this contact',
    /** The books have given no name yet. */
    numbered: (number: string) => `Customer ${number}`,
    origin: {
      MANUAL: 'Linked by hand',
      IMPORT: 'Linked by import',
      EMAIL: 'Linked by e-mail address',
      TAX_NUMBER: 'Linked by tax number',
    } satisfies Record<LinkOrigin, string>,
    viaCompany: 'Linked through the contact’s company',
    viaCompanyUnsigned: 'Linked through the company that the page named',
    several: (n: number) => `${n} customers, together`,
    inactive: 'inactive in the books',
    books: (organization: string, provider: string) => `${organization} in ${provider}`,
    provider: {
      quickbooks: 'QuickBooks',
      xero: 'Xero',
      sage: 'Sage',
      tryton: 'Tryton',
    } as Readonly<Record<string, string>>,
    openLedger: (name: string) => `Open ${name} in the books`,
    parts: 'Each customer',
  },

  figures: {
    heading: 'Key figures',
    outstanding: 'Outstanding',
    overdue: 'Overdue',
    nothing: 'Nothing',
    inCredit: 'in credit',
    unapplied: (amount: string) => `after ${amount} unapplied credit`,
    documents: (n: number) => (n === 1 ? '1 document' : `${n} documents`),
    oldest: (f: Format, n: number) => `oldest ${days(f, n)}`,
    missing: 'Part of the books is missing',
    total: (amount: string) => `${amount} in all, converted`,
    totalRate: (from: string, to: string, rate: string, dated: string, source: string) =>
      `1 ${from} = ${rate} ${to}, ${dated} (${source})`,
    credit: 'Credit left',
    overLimit: 'Over the limit',
    ofLimit: (limit: string) => `of ${limit} limit`,
    usedShare: (share: string) => `${share} used`,
    unused: 'none of it used',
    meter: 'Share of the credit limit in use',
    noLimit: 'No limit set',
    cashOnly: 'Cash only',
    cashOnlyNote: 'The limit is zero',
    expired: (date: string) => `ended ${date}`,
    validTo: (date: string) => `until ${date}`,
    noHeadroom: 'Not known',
    noHeadroomNote: 'No exchange rate for the limit’s currency',
    limitOrigin: {
      MANUAL: 'set for this customer',
      IMPORT: 'imported',
      LEDGER: 'from the books',
      TENANT_DEFAULT: 'default',
    } satisfies Record<LimitOrigin, string>,
    usuallyPays: 'Usually pays',
    late: (f: Format, n: string) => `${days(f, n)} late`,
    early: (f: Format, n: string) => `${days(f, n)} early`,
    onTime: 'on time',
    perCustomer: 'Per customer',
    perCustomerNote: 'shown with each of them',
    behaviorUnknown: 'Too few paid invoices to say',
    basedOn: (n: number) => `over ${n} invoices`,
  },

  band: {
    outstanding: {
      NONE: 'Nothing',
      LOW: 'Low',
      MEDIUM: 'Medium',
      HIGH: 'High',
      IN_CREDIT: 'In credit',
    },
    overdue: { NONE: 'Nothing', LOW: 'Low', MEDIUM: 'Medium', HIGH: 'High', IN_CREDIT: 'Nothing' },
    headroom: { NONE: 'None', LOW: 'Little', MEDIUM: 'Some', HIGH: 'Plenty', IN_CREDIT: 'Plenty' },
    note: 'Amounts are not shown to your role',
  } satisfies Record<'outstanding' | 'overdue' | 'headroom', Record<Band, string>> & {
    note: string;
  },

  aging: {
    heading: 'What is owed, by age',
    caption: (currency: string) => `What is owed in ${currency}, by days past due`,
    bucket: {
      CURRENT: 'Not yet due',
      DAYS_1_30: '1–30 days late',
      DAYS_31_60: '31–60 days late',
      DAYS_61_90: '61–90 days late',
      OVER_90: 'Over 90 days late',
    } satisfies Record<AgingBucket, string>,
    age: 'Age',
    amount: 'Amount',
    unapplied: 'Unapplied credit',
    assumed: (n: number) =>
      n === 1
        ? 'One document has no due date: its date is used instead.'
        : `${n} documents have no due date: their date is used instead.`,
  },

  insight: (
    f: Format,
    { kind, message, amount, days: n, share, date, item }: Insight,
    today: string,
  ): string => {
    switch (kind) {
      case 'SUDDENLY_LATE':
        return amount
          ? `Usually prompt, suddenly late with ${f.moneyMagnitude(amount)}. A payment plan may help.`
          : 'Usually prompt, suddenly late. A payment plan may help.';
      case 'CHRONICALLY_LATE':
        return n === null
          ? 'Late as a rule. No discount without payment.'
          : `Late as a rule, by ${days(f, n)}. No discount without payment.`;
      case 'UNAPPLIED_RECEIPT': {
        const what = amount ? f.moneyMagnitude(amount) : 'A payment';
        const when = date ? ` on ${f.shortDate(date, today)}` : '';
        return `${what} came in${when} and is not yet applied. Don’t chase.`;
      }
      case 'REORDER_DUE':
        if (item && date) return `Due to reorder ${item}: usual by ${f.shortDate(date, today)}.`;
        return item ? `Due to reorder ${item}.` : message;
      case 'LIMIT_NEARLY_USED':
        if (share && amount)
          return `${f.percent(share)} of the limit is used; ${f.moneyMagnitude(amount)} is left.`;
        return share ? `${f.percent(share)} of the limit is used.` : 'Most of the limit is used.';
      case 'LIMIT_EXPIRES':
        return date
          ? `The credit limit ends on ${f.shortDate(date, today)}.`
          : 'The credit limit ends soon.';
      default:
        return message;
    }
  },
  insights: 'Worth knowing',

  transactions: {
    heading: 'Recent documents',
    none: 'No documents yet. They have never bought on account.',
    noneYet: 'No documents have arrived yet.',
    count: (shown: number, total: number) => `${shown} of ${total}`,
    more: 'Show more',
    loadingMore: 'Loading more…',
    moreFailed: 'More could not be loaded.',
    kind: {
      INVOICE: 'Invoice',
      CREDIT_NOTE: 'Credit note',
      PAYMENT: 'Payment',
      OVERPAYMENT: 'Overpayment',
      PREPAYMENT: 'Prepayment',
      REFUND: 'Refund',
      CASH_SALE: 'Cash sale',
      CASH_REFUND: 'Cash refund',
      JOURNAL_ENTRY: 'Journal entry',
      EXPENSE: 'Expense',
      DEPOSIT: 'Deposit',
      OPENING_BALANCE: 'Opening balance',
    } satisfies Record<TransactionKind, string>,
    status: {
      DRAFT: 'Draft',
      OPEN: 'Open',
      PARTIALLY_PAID: 'Partly paid',
      OVERDUE: 'Overdue',
      PAID: 'Paid',
      UNAPPLIED: 'Not applied',
      VOIDED: 'Voided',
    } satisfies Record<TransactionStatus, string>,
    applied: 'Applied',
    daysLate: (f: Format, n: number) => `${days(f, n)} late`,
    dueOn: (date: string) => `due ${date}`,
    dueToday: 'due today',
    open: (amount: string) => `${amount} open`,
    amountHidden: 'Amount not shown',
    details: {
      loading: 'Loading details…',
      failed: 'Details could not be loaded.',
      due: 'Due',
      assumed: 'assumed',
      customer: 'Customer',
      total: 'Total',
      openAmount: 'Open',
      lines: 'Lines',
      linesOf: (document: string) => `Lines of ${document}`,
      noLines: 'No lines.',
      description: 'Description',
      quantity: 'Qty',
      price: 'Price',
      amount: 'Amount',
      noDescription: 'No description',
      settledBy: 'Settled by',
      settles: 'Settles',
      openLedger: 'Open in the books',
    },
  },

  behavior: {
    heading: 'How they pay',
    headingIn: (currency: string) => `How they pay in ${currency}`,
    since: (date: string, n: number) => `${n} invoices paid since ${date}`,
    averageDaysToPay: 'Average days to pay',
    daysBeyondTerms: 'Against terms',
    currentDelay: 'Counting what is late now',
    onTimeRate: 'Paid on time',
    onTimeRateByAmount: 'Paid on time, by amount',
    slower: (recent: string, earlier: string) =>
      `Slower than before: ${recent} in the last 90 days, ${earlier} earlier.`,
    faster: (recent: string, earlier: string) =>
      `Faster than before: ${recent} in the last 90 days, ${earlier} earlier.`,
    steady: 'Much the same over the last year.',
    days: days,
    byCredit: (n: number) => `${n} closed by credit alone, not counted`,
    method: 'How this is worked out',
    /** The server tells its method in English. */
    methodWords: (words: string) => words,
  },

  purchases: {
    heading: 'What they buy',
    spend: (year: number) => `net in ${year}`,
    none: (year: number) => `Nothing bought in ${year}.`,
    loading: 'Loading purchases…',
    failed: 'Purchases could not be loaded.',
    caption: (year: number) => `Items bought in ${year}`,
    item: 'Item',
    spent: 'Net spend',
    last: (date: string) => `last ${date}`,
    next: (date: string) => `next due ${date}`,
    quantity: (quantity: string) => `${quantity} ×`,
  },

  freshness: {
    heading: 'About these figures',
    asOf: (date: string) => `As of ${date}`,
    checked: (age: string) => `checked ${age}`,
    neverChecked: 'never checked',
    checkedAt: 'Last look at the books',
    live: 'Updates by itself',
    paused: 'Updates paused',
    coverage: 'Covers documents since',
    status: {
      FRESH: 'Up to date',
      STALE: 'Not up to date',
      PARTIAL: 'Incomplete',
      DISCONNECTED: 'Disconnected',
      SYNCING: 'Loading',
    } satisfies Record<FreshnessStatus, string>,
    notice: {
      STALE: (age: string) => `Not up to date: the books were last looked at ${age}.`,
      STALE_NEVER: 'Not up to date: the books have not been looked at.',
      PARTIAL: 'Incomplete: part of the books has not arrived yet.',
      DISCONNECTED:
        'Disconnected: these are the last known figures. An administrator has to connect the books again.',
      SYNCING:
        'The books are being loaded for the first time. The figures appear by themselves once they are complete.',
    },
    progress: (done: string, total: string) => `${done} of ${total} records`,
    progressOpen: (done: string) => `${done} records so far`,
    progressLabel: 'First load of the books',
    missing: (sets: string) => `Missing: ${sets}.`,
    datasets: 'When each part of the books was last loaded',
    dataset: 'Part',
    loaded: 'Last loaded',
    never: 'not yet',
    set: {
      ACCOUNTS: 'Accounts',
      TERMS: 'Terms',
      ITEMS: 'Items',
      CUSTOMERS: 'Customers',
      INVOICES: 'Invoices',
      PAYMENTS: 'Payments',
      CREDIT_NOTES: 'Credit notes',
      CASH_SALES: 'Cash sales',
      CASH_REFUNDS: 'Cash refunds',
      JOURNAL_ENTRIES: 'Journal entries',
      DEPOSITS: 'Deposits',
      EXPENSES: 'Expenses',
      OVERPAYMENTS: 'Overpayments',
      PREPAYMENTS: 'Prepayments',
      QUICK_ENTRIES: 'Quick entries',
      ALLOCATIONS: 'Allocations',
      OPENING_BALANCES: 'Opening balances',
    } satisfies Record<Dataset, string>,
  },

  tieOut: {
    TIES: 'Agrees with the books’ own balance',
    DIFFERS: (amount: string) => `Differs from the books’ own balance by ${amount}`,
    DIFFERS_HIDDEN: 'Differs from the books’ own balance',
    both: (ours: string, ledger: string) => `We count ${ours}; the books say ${ledger}.`,
    NOT_CHECKABLE: 'The books give no balance to check against',
    futureDated: 'Some documents are dated in the future.',
  },

  announce: {
    changed: (decision: string, outstanding: string) =>
      `Updated. ${decision}. Outstanding: ${outstanding}.`,
    more: (shown: number, total: number) => `${shown} of ${total} documents shown.`,
    linked: (name: string) => `Linked to ${name}.`,
    found: (n: number) =>
      n === 0 ? 'No customer found.' : n === 1 ? '1 customer found.' : `${n} customers found.`,
  },

  states: {
    loading: 'Loading the pulse…',
    unlinked: 'Not linked',
    unlinkedText:
      'This contact is not linked to a customer in the books, so nothing can be said yet.',
    unlinkedAsk: 'Ask finance to link it.',
    absent: 'Nothing to show',
    absentText: 'This contact is not known here, or is not yours to see.',
    forbidden: 'Not for your role',
    forbiddenText: 'Your role may not see this. An administrator can change that.',
    ended: 'Session ended',
    endedText: 'To protect the figures they are hidden now.',
    endedReload: 'Reload the contact page to see them again.',
    endedCapped: 'The panel has been open for as long as it may. Reload it to see them again.',
    endedRenew: 'Show again',
    endedRenewing: 'Asking the CRM…',
    offline: 'You are offline',
    offlineText: 'The pulse appears as soon as the network is back.',
    failed: 'Not available right now',
    retry: 'Try again',
    retrying: 'Trying…',
    misplaced: 'Open this from the CRM',
    misplacedText: 'This page shows a customer’s pulse inside a contact page of the CRM.',
  },

  errors: {
    UNAUTHENTICATED: 'The session has ended. Reload the contact page.',
    FORBIDDEN: 'Your role may not do this.',
    NOT_FOUND: 'It is no longer there.',
    BAD_USER_INPUT: 'The server did not accept this.',
    LEDGER_UNAVAILABLE: 'The books do not answer at the moment.',
    RATE_LIMITED: 'Too many requests at once. Wait a moment.',
    INTERNAL: 'Something went wrong on the server.',
    NETWORK: 'The server does not answer.',
  } satisfies Record<ErrorCode, string>,

  linking: {
    heading: 'Link to a customer',
    search: 'Find in the books',
    hint: 'Name, e-mail or number',
    find: 'Find',
    finding: 'Finding…',
    none: 'No customer found. Try another spelling.',
    results: 'Customers found',
    link: 'Link',
    linkTo: (name: string) => `Link to ${name}`,
    linking: 'Linking…',
  },
};

/** The shape of every catalogue. */
export type Messages = typeof en;
