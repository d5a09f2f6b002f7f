// Contacts in every situation that the widget can meet, as plain values under the names of
// ../schema.graphql. They are never sent as they stand: `answer` executes the widget's own operations
// over them against the schema, so that a fixture which the schema does not allow is an error.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, execute, parse, subscribe, validate } from 'graphql';

export const schema = buildSchema(
  readFileSync(join(import.meta.dirname, '../../schema.graphql'), 'utf8'),
);

const today = '2026-11-23';
const usd = (amount) => ({ amount, currency: 'USD' });
const money = (currency) => (amount) => ({ amount, currency });
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

/** A civil date so many days before today. */
export const daysAgo = (days) =>
  new Date(Date.parse(`${today}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);

const connection = { id: 'c1', provider: 'quickbooks', organization: 'Harbor Supply' };
const customer = (id, name, more = {}) => ({
  id,
  name,
  active: true,
  currency: 'USD',
  connection,
  ledgerUrl: `https://books.example/customer/${id}`,
  ...more,
});

const reason = (code, more = {}) => ({
  code,
  message: code,
  amount: null,
  days: null,
  share: null,
  date: null,
  ...more,
});
const decision = (result, ...reasons) => ({
  result,
  reasons,
  policyVersion: 'default-1',
  inputsHash: '00',
  asOf: today,
});

const sets = [
  'ACCOUNTS',
  'TERMS',
  'ITEMS',
  'CUSTOMERS',
  'INVOICES',
  'CREDIT_NOTES',
  'PAYMENTS',
  'JOURNAL_ENTRIES',
  'DEPOSITS',
  'EXPENSES',
  'CASH_SALES',
  'CASH_REFUNDS',
];
const freshness = (status = 'FRESH', minutes = 4, more = {}) => ({
  status,
  checkedAt: minutes === null ? null : ago(minutes),
  coverageFrom: null,
  progress: null,
  datasets: sets.map((dataset) => ({
    dataset,
    succeededAt: minutes === null ? null : ago(minutes),
    attemptedAt: minutes === null ? null : ago(1),
  })),
  ...more,
});

const buckets = ['CURRENT', 'DAYS_1_30', 'DAYS_31_60', 'DAYS_61_90', 'OVER_90'];

/** A balance in one currency; `aging` holds the amounts of the five buckets as texts. */
function inCurrency(currency, outstanding, aging, more = {}) {
  const of = money(currency);
  const total = aging.reduce((sum, amount) => sum + Number(amount), 0);
  return {
    currency,
    outstanding: of(outstanding),
    outstandingBand: 'MEDIUM',
    grossReceivable: of(total.toFixed(2)),
    unappliedCredit: of('0.00'),
    overdue: of('0.00'),
    overdueBand: 'NONE',
    overdueCount: 0,
    oldestOverdueDays: null,
    aging: aging.map((amount, index) => ({
      bucket: buckets[index],
      amount: of(amount),
      share: total === 0 ? null : (Number(amount) / total).toFixed(6),
    })),
    ...more,
  };
}

const ties = (outstanding) => ({
  status: 'TIES',
  ours: outstanding,
  ledger: outstanding,
  difference: null,
  suspects: [],
  futureDated: false,
});
const balance = (...byCurrency) => ({
  total: {
    outstanding: byCurrency[0]?.outstanding ?? null,
    overdue: byCurrency[0]?.overdue ?? null,
    rates: [],
  },
  byCurrency,
  tieOut: ties(byCurrency[0]?.outstanding ?? null),
  assumedDueDates: 0,
});

const credit = (limit, exposure, headroom, utilization, more = {}) => ({
  limit: limit === null ? null : usd(limit),
  limitOrigin: limit === null ? null : 'MANUAL',
  validTo: null,
  expired: false,
  exposure: usd(exposure),
  parts: [{ kind: 'GROSS_RECEIVABLE', amount: usd(exposure) }],
  headroom: headroom === null ? null : usd(headroom),
  headroomBand: headroom === null ? null : 'MEDIUM',
  utilization,
  ...more,
});

const behavior = (daysBeyondTerms, more = {}) => ({
  currency: 'USD',
  since: daysAgo(365),
  settledCount: 14,
  settledByCreditCount: 0,
  averageDaysToPay: '32.4',
  daysBeyondTerms,
  currentDelay: daysBeyondTerms,
  onTimeRate: '0.857143',
  onTimeRateByAmount: '0.912',
  trend: null,
  method:
    'Invoices settled by payments in the last 365 days. Days against terms are weighted by amount; part payments count each by itself.',
  ...more,
});

const line = (description, quantity, unitPrice, amount, currency = 'USD') => ({
  item: null,
  description,
  quantity,
  unitPrice,
  amount: { amount, currency },
});
const linesOf = (total, currency) => [
  line('Steel brackets, galvanized, 40 mm', '120', '4.15', '498.00', currency),
  line('Delivery', null, null, total, currency),
];

/** A document. `open` and `status` follow from each other as the server would have it. */
function document(kind, number, issued, total, more = {}) {
  const currency = more.currency ?? 'USD';
  const of = money(currency);
  const due = more.due === undefined ? issued - 30 : more.due;
  const open = more.open ?? '0.00';
  return {
    id: `c1:${kind.toLowerCase()}:${number}`,
    kind,
    number,
    date: daysAgo(issued),
    dueDate: due === null ? null : daysAgo(due),
    dueAssumed: more.dueAssumed ?? false,
    daysPastDue: Number(open) === 0 || due === null ? null : due,
    status: more.status ?? 'PAID',
    total: of(total),
    open: of(open),
    customer: more.customer ?? customer('61', 'Bright & Daughters Ltd.'),
    lines: more.lines ?? linesOf(total, currency),
    applications: more.applications ?? [],
    ledgerUrl: `https://books.example/txn/${number}`,
  };
}
const paidBy = (number, days, amount) => ({
  transaction: `c1:payment:${number}`,
  kind: 'PAYMENT',
  number,
  amount: usd(amount),
  date: daysAgo(days),
});

const history = (...first) => [
  ...first,
  document('INVOICE', '1068', 41, '1840.00', { applications: [paidBy('2214', 6, '1840.00')] }),
  document('PAYMENT', '2214', 6, '1840.00', { due: null, lines: [] }),
  document('INVOICE', '1052', 74, '2210.50', { applications: [paidBy('2190', 40, '2210.50')] }),
  document('PAYMENT', '2190', 40, '2210.50', { due: null, lines: [] }),
  document('CREDIT_NOTE', 'CN-17', 90, '120.00', { due: null }),
  ...Array.from({ length: 29 }, (_, index) =>
    document('INVOICE', String(1040 - index), 104 + index * 9, `${900 + index * 37}.00`),
  ),
];

/** Pages through documents by their place, as the server does by its cursors. */
const transactions =
  (documents) =>
  ({ first, after }) => {
    const start = after === undefined || after === null ? 0 : Number(after) + 1;
    const page = documents.slice(start, start + first);
    const edges = page.map((node, index) => ({ cursor: String(start + index), node }));
    return {
      edges,
      nodes: page,
      totalCount: documents.length,
      pageInfo: {
        hasNextPage: start + first < documents.length,
        hasPreviousPage: start > 0,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
    };
  };

const bought = (name, quantity, spend, last, next) => ({
  name,
  quantity,
  netSpend: usd(spend),
  purchaseDays: 7,
  lastBought: daysAgo(last),
  usualIntervalDays: next === null ? null : 28,
  nextDue: next === null ? null : daysAgo(next),
});
const purchases = {
  year: 2026,
  netSpend: [usd('28412.50')],
  items: [
    bought('Steel brackets, galvanized, 40 mm', '1840', '15210.00', 12, -16),
    bought('Anchor bolts M12', '960', '8102.50', 41, -2),
    bought('Delivery', null, '5100.00', 12, null),
  ],
};

const insight = (kind, more = {}) => ({
  kind,
  message: kind,
  amount: null,
  days: null,
  share: null,
  date: null,
  item: null,
  ...more,
});

/** A pulse; what is not said is as with a customer in good order. */
function pulse(more) {
  const documents = [...(more.documents ?? history(openInvoice))].sort((a, b) =>
    b.date.localeCompare(a.date),
  );
  const { documents: _, ...rest } = more;
  return {
    asOf: today,
    freshness: freshness(),
    decision: decision('OK', reason('IN_ORDER')),
    balance: balance(inCurrency('USD', '4280.00', ['4280.00', '0', '0', '0', '0'])),
    parts: [],
    credit: credit('20000.00', '4280.00', '15720.00', '0.214'),
    behavior: behavior('-1.6'),
    behaviors: [behavior('-1.6')],
    purchases,
    insights: [],
    transactions: transactions(documents),
    ...rest,
  };
}

const openInvoice = document('INVOICE', '1081', 12, '4280.00', {
  open: '4280.00',
  status: 'OPEN',
  due: -18,
});
const late = (number, days, total, open = total) =>
  document('INVOICE', number, days + 30, total, {
    open,
    due: days,
    status: open === total ? 'OVERDUE' : 'OVERDUE',
    applications: open === total ? [] : [paidBy('2230', 9, String(Number(total) - Number(open)))],
  });

const overdue = (amount, count, oldest) => ({
  overdue: usd(amount),
  overdueBand: 'MEDIUM',
  overdueCount: count,
  oldestOverdueDays: oldest,
});

const viewer = (role = 'REP', more = {}) => ({
  role,
  name: 'Kim',
  canSeeAmounts: true,
  canLink: role === 'FINANCE' || role === 'ADMIN',
  canSetLimits: role === 'FINANCE' || role === 'ADMIN',
  sessionExpiresAt: new Date(Date.now() + 600_000).toISOString(),
  contactId: 'native:person:1',
  locale: 'en',
  ...more,
});

const linked = (...customers) => ({
  state: 'LINKED',
  company: null,
  companySigned: null,
  customers: customers.map((one) => ({
    customer: one,
    origin: 'MANUAL',
    linkedAt: '2026-03-02T09:00:00Z',
  })),
});
const unlinked = { state: 'UNLINKED', company: null, companySigned: null, customers: [] };

const bright = customer('61', 'Bright & Daughters Ltd.');

/** What a query meets: who asks, and the contact with its pulse. */
const world = (thePulse, link = linked(bright), who = viewer()) => ({
  viewer: who,
  contact: { id: 'native:person:1', link, pulse: thePulse },
  customers: [
    customer('61', 'Bright & Daughters Ltd.'),
    customer('62', 'Brightwater Marine Services and Yacht Chandlery'),
    customer('80', 'Old Brighton Ltd.', { active: false }),
  ],
});

/** Takes every amount out of a value, as for a role that may not see them. */
function withoutAmounts(value) {
  if (Array.isArray(value)) return value.map(withoutAmounts);
  if (typeof value === 'function') return (variables) => withoutAmounts(value(variables));
  if (typeof value !== 'object' || value === null) return value;
  if ('amount' in value && 'currency' in value && Object.keys(value).length === 2) return null;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'netSpend' && Array.isArray(inner) ? [] : withoutAmounts(inner),
    ]),
  );
}

const eur = money('EUR');
const northsea = customer('70', 'Northsea Trading B.V.', { currency: 'EUR' });
const northseaUs = customer('71', 'Northsea Trading Inc.');

const chronic = pulse({
  decision: decision(
    'HOLD',
    reason('LONG_OVERDUE', { amount: usd('12940.75'), days: 94 }),
    reason('NEAR_LIMIT', { share: '0.92', amount: usd('1200.00') }),
  ),
  balance: balance(
    inCurrency('USD', '13800.00', ['2309.25', '3200.00', '4100.50', '3890.25', '1750.00'], {
      ...overdue('12940.75', 6, 94),
      unappliedCredit: usd('1450.00'),
      overdueBand: 'HIGH',
    }),
  ),
  credit: credit('15000.00', '13800.00', '1200.00', '0.92'),
  behaviors: [
    behavior('38.2', {
      averageDaysToPay: '68.2',
      currentDelay: '47.9',
      onTimeRate: '0.083',
      onTimeRateByAmount: '0.051',
      settledCount: 11,
      settledByCreditCount: 1,
      trend: { recent: '46.1', recentCount: 4, earlier: '31.7', earlierCount: 7 },
    }),
  ],
  insights: [
    insight('CHRONICALLY_LATE', { days: '38.2', share: '0.083' }),
    insight('LIMIT_NEARLY_USED', { share: '0.92', amount: usd('1200.00') }),
  ],
  documents: history(
    late('1077', 12, '3200.00'),
    late('1070', 41, '4100.50'),
    late('1064', 72, '3890.25'),
    late('1059', 94, '2400.00', '1750.00'),
  ),
});

const noFigures = {
  balance: null,
  credit: null,
  behavior: null,
  behaviors: [],
  purchases: null,
  documents: [],
};

/** Every situation by name: what the queries meet, and how the page is opened. */
export const scenarios = {
  fine: { world: world(pulse({})) },
  nearLimit: {
    world: world(
      pulse({
        decision: decision(
          'CAUTION',
          reason('NEAR_LIMIT', { share: '0.874', amount: usd('2520.00') }),
        ),
        balance: balance(inCurrency('USD', '17480.00', ['17480.00', '0', '0', '0', '0'])),
        credit: credit('20000.00', '17480.00', '2520.00', '0.874', { validTo: daysAgo(-38) }),
        insights: [
          insight('LIMIT_NEARLY_USED', { share: '0.874', amount: usd('2520.00') }),
          insight('LIMIT_EXPIRES', { date: daysAgo(-38) }),
        ],
        documents: history(
          document('INVOICE', '1081', 12, '17480.00', {
            open: '17480.00',
            status: 'OPEN',
            due: -18,
          }),
        ),
      }),
    ),
  },
  overLimit: {
    world: world(
      pulse({
        decision: decision(
          'HOLD',
          reason('OVER_LIMIT', { amount: usd('-1234.56'), share: '1.123456' }),
          reason('OVERDUE', { amount: usd('3120.00'), days: 17 }),
        ),
        balance: balance(
          inCurrency(
            'USD',
            '11234.56',
            ['8114.56', '3120.00', '0', '0', '0'],
            overdue('3120.00', 2, 17),
          ),
        ),
        credit: credit('10000.00', '11234.56', '-1234.56', '1.123456', {
          limitOrigin: 'TENANT_DEFAULT',
        }),
        documents: history(openInvoice, late('1077', 17, '2000.00'), late('1076', 3, '1120.00')),
      }),
    ),
  },
  suddenlyLate: {
    world: world(
      pulse({
        decision: decision('CAUTION', reason('OVERDUE', { amount: usd('6400.00'), days: 26 })),
        balance: balance(
          inCurrency(
            'USD',
            '7900.00',
            ['1500.00', '6400.00', '0', '0', '0'],
            overdue('6400.00', 1, 26),
          ),
        ),
        credit: credit('20000.00', '7900.00', '12100.00', '0.395'),
        behaviors: [behavior('0.3', { currentDelay: '11.4', onTimeRate: '0.93' })],
        insights: [
          insight('SUDDENLY_LATE', { days: '0.3', amount: usd('6400.00') }),
          insight('REORDER_DUE', { item: 'Anchor bolts M12', date: daysAgo(-2) }),
        ],
        documents: history(late('1077', 26, '6400.00')),
      }),
    ),
  },
  chronicallyLate: { world: world(chronic) },
  inCredit: {
    world: world(
      pulse({
        balance: balance(
          inCurrency('USD', '-250.00', ['0', '0', '0', '0', '0'], {
            outstandingBand: 'IN_CREDIT',
            unappliedCredit: usd('250.00'),
          }),
        ),
        credit: credit('5000.00', '-250.00', '5250.00', '-0.05'),
        behaviors: [behavior('-6')],
        documents: history(
          document('CREDIT_NOTE', 'CN-21', 8, '250.00', {
            open: '250.00',
            due: null,
            status: 'UNAPPLIED',
          }),
        ),
      }),
    ),
  },
  unapplied: {
    world: world(
      pulse({
        decision: decision('CAUTION', reason('OVERDUE', { amount: usd('2100.00'), days: 9 })),
        balance: balance(
          inCurrency('USD', '1600.00', ['1500.00', '2100.00', '0', '0', '0'], {
            ...overdue('2100.00', 1, 9),
            unappliedCredit: usd('2000.00'),
          }),
        ),
        credit: credit('20000.00', '1600.00', '18400.00', '0.08'),
        insights: [insight('UNAPPLIED_RECEIPT', { amount: usd('2000.00'), date: daysAgo(3) })],
        documents: history(
          document('PAYMENT', '2241', 3, '2000.00', {
            open: '2000.00',
            due: null,
            status: 'UNAPPLIED',
            lines: [],
          }),
          late('1077', 9, '2100.00'),
        ),
      }),
    ),
  },
  severalCurrencies: {
    world: world(
      pulse({
        decision: decision('CAUTION', reason('OVERDUE', { amount: eur('1180.40'), days: 12 })),
        balance: {
          ...balance(
            inCurrency('EUR', '8420.40', ['7240.00', '1180.40', '0', '0', '0'], {
              overdue: eur('1180.40'),
              overdueBand: 'MEDIUM',
              overdueCount: 1,
              oldestOverdueDays: 12,
            }),
            inCurrency('USD', '2310.00', ['2310.00', '0', '0', '0', '0']),
          ),
          total: {
            outstanding: usd('12051.88'),
            overdue: usd('1365.72'),
            rates: [
              { from: 'EUR', to: 'USD', rate: '1.157', dated: daysAgo(9), source: 'invoice 1079' },
            ],
          },
          tieOut: { ...ties(null), status: 'TIES' },
        },
        parts: [
          {
            customer: northsea,
            decision: decision('CAUTION', reason('OVERDUE')),
            balance: balance(inCurrency('EUR', '8420.40', ['7240.00', '1180.40', '0', '0', '0'])),
            credit: {
              ...credit('12000.00', '8420.40', '3579.60', '0.7017'),
              limit: eur('12000.00'),
              exposure: eur('8420.40'),
              headroom: eur('3579.60'),
            },
          },
          {
            customer: northseaUs,
            decision: decision('OK', reason('IN_ORDER')),
            balance: balance(inCurrency('USD', '2310.00', ['2310.00', '0', '0', '0', '0'])),
            credit: credit('8000.00', '2310.00', '5690.00', '0.28875'),
          },
        ],
        credit: null,
        behaviors: [
          behavior('4.2', { currency: 'EUR', settledCount: 9 }),
          behavior('-0.2', { currency: 'USD', settledCount: 5 }),
        ],
        documents: history(
          document('INVOICE', '1079', 42, '1180.40', {
            currency: 'EUR',
            open: '1180.40',
            due: 12,
            status: 'OVERDUE',
            customer: northsea,
          }),
        ),
      }),
      linked(northsea, northseaUs),
    ),
  },
  noLimit: {
    world: world(
      pulse({
        decision: decision('CAUTION', reason('NO_LIMIT')),
        credit: credit(null, '4280.00', null, null),
      }),
    ),
  },
  cashOnly: {
    world: world(
      pulse({
        balance: balance(),
        credit: credit('0.00', '0.00', '0.00', null),
        documents: history(),
      }),
    ),
  },
  neverBought: {
    world: world(
      pulse({
        balance: balance(),
        credit: credit('5000.00', '0.00', '5000.00', '0'),
        behavior: null,
        behaviors: [],
        purchases: { year: 2026, netSpend: [], items: [] },
        documents: [],
      }),
    ),
  },
  company: {
    world: world(pulse({}), {
      ...linked(bright),
      state: 'COMPANY',
      company: 'native:organization:7',
      companySigned: false,
    }),
  },
  differs: {
    world: world(
      pulse({
        decision: decision('CAUTION', reason('TIE_OUT_DIFFERENCE', { amount: usd('-0.01') })),
        balance: {
          ...balance(inCurrency('USD', '4280.00', ['4280.00', '0', '0', '0', '0'])),
          tieOut: {
            status: 'DIFFERS',
            ours: usd('4280.00'),
            ledger: usd('4280.01'),
            difference: usd('-0.01'),
            suspects: [],
            futureDated: false,
          },
          assumedDueDates: 2,
        },
      }),
    ),
  },
  large: {
    world: world(
      pulse({
        balance: balance(
          inCurrency('USD', '12345678901.23', ['12345678901.23', '0', '0', '0', '0'], {
            ...overdue('1234567890.12', 1204, 412),
          }),
        ),
        credit: credit('99999999999.99', '12345678901.23', '87654321098.76', '0.123'),
      }),
      linked(
        customer(
          '90',
          'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
        ),
      ),
    ),
  },
  withoutAmounts: {
    world: world(
      withoutAmounts(
        pulse({
          decision: decision('CAUTION', reason('OVERDUE', { amount: usd('6400.00'), days: 26 })),
          balance: balance(
            inCurrency(
              'USD',
              '7900.00',
              ['1500.00', '6400.00', '0', '0', '0'],
              overdue('6400.00', 1, 26),
            ),
          ),
          credit: { ...credit('20000.00', '7900.00', '12100.00', null), headroomBand: 'HIGH' },
          documents: history(late('1077', 26, '6400.00')),
        }),
      ),
      linked(bright),
      viewer('REP', { canSeeAmounts: false }),
    ),
  },
  syncing: {
    world: world(
      pulse({
        ...noFigures,
        freshness: freshness('SYNCING', null, { progress: { done: 18240, total: 50000 } }),
        decision: decision('UNKNOWN', reason('SYNCING')),
      }),
    ),
  },
  partial: {
    world: world(
      pulse({
        ...noFigures,
        freshness: freshness('PARTIAL', 6, {
          datasets: freshness('PARTIAL', 6).datasets.map((set) =>
            ['PAYMENTS', 'CREDIT_NOTES'].includes(set.dataset)
              ? { ...set, succeededAt: null }
              : set,
          ),
        }),
        decision: decision('UNKNOWN', reason('PARTIAL')),
        documents: history(openInvoice),
      }),
    ),
  },
  stale: {
    world: world(
      pulse({
        freshness: freshness('STALE', 26 * 60),
        decision: decision('UNKNOWN', reason('TOO_OLD')),
      }),
    ),
  },
  disconnected: {
    world: world(
      pulse({
        freshness: freshness('DISCONNECTED', 3 * 24 * 60),
        decision: decision('UNKNOWN', reason('TOO_OLD'), reason('DISCONNECTED')),
      }),
    ),
  },
  notLinked: { world: world(null, unlinked) },
  notLinkedFinance: { world: world(null, unlinked, viewer('FINANCE')) },
  absent: { world: { ...world(null, unlinked), contact: null } },
  forbidden: { world: world(null, unlinked), fails: { code: 'FORBIDDEN', status: 200 } },
  failed: { world: world(null, unlinked), fails: { code: 'LEDGER_UNAVAILABLE', status: 200 } },
  ended: { world: world(null, unlinked), boot: { expiresAt: '2020-01-01T00:00:00Z' } },
  loading: { world: world(null, unlinked), hangs: true },
  // Last a few seconds and are renewed by the CRMs' kits: see `hosts.mjs`.
  pipedrive: {
    world: world(pulse({})),
    boot: { preset: 'pipedrive', renewal: 'pipedrive' },
    lastsMs: 5_000,
  },
  monday: {
    world: world(pulse({})),
    boot: { preset: 'monday', renewal: 'monday', contactId: null },
    lastsMs: 5_000,
  },
  canvas: {
    world: world(pulse({})),
    boot: { preset: 'salesforce-canvas', renewal: 'canvas' },
    lastsMs: 5_000,
  },
  // Renews itself from the session that stands, up to its cap.
  selfRenewing: {
    world: world(pulse({})),
    boot: { preset: 'zendesk', renewal: 'session' },
    lastsMs: 3_000,
    capMs: 9_000,
  },
  german: { world: world(chronic), boot: { locale: 'de-DE' } },
};

/** What the widget can be told of a customer who has just paid everything. */
export const paid = pulse({
  balance: balance(),
  credit: credit('15000.00', '0.00', '15000.00', '0'),
  documents: history(
    document('PAYMENT', '2250', 0, '13800.00', { due: null, lines: [] }),
    document('INVOICE', '1077', 42, '3200.00', { applications: [paidBy('2250', 0, '3200.00')] }),
  ),
});

/** Executes an operation over a scenario; what the schema does not allow is thrown. */
export async function answer(scenario, query, variableValues) {
  const document = parse(query);
  const problems = validate(schema, document);
  if (problems.length > 0) throw problems[0];
  const { contact, ...rest } = scenario.world;
  const rootValue = {
    ...rest,
    contact: () => contact,
    linkContact: () => ({ contact: scenarios.fine.world.contact }),
  };
  const result = await execute({ schema, document, variableValues, rootValue });
  if (result.errors) throw result.errors[0];
  return result.data;
}

/** Subscribes to a scenario's pulse: the present one, then each that `changes` yields. */
export function pushes(scenario, query, variableValues, changes) {
  return subscribe({
    schema,
    document: parse(query),
    variableValues,
    rootValue: {
      async *pulseChanged() {
        yield { pulseChanged: scenario.world.contact.pulse };
        for await (const changed of changes) yield { pulseChanged: changed };
      },
    },
  });
}
