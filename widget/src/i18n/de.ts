import type { Insight, Reason } from '../api/types';
import type { Format } from '../format/format';
import type { Messages } from './en';

const days = (f: Format, n: string | number): string =>
  `${f.dayCount(n)} ${f.oneDay(n) ? 'Tag' : 'Tage'}`;
const ofDays = (f: Format, n: string | number): string =>
  `${f.dayCount(n)} ${f.oneDay(n) ? 'Tag' : 'Tagen'}`;

export const de: Messages = {
  title: 'Financial Pulse',
  unknown: 'Nicht bekannt',
  decision: {
    label: 'Darf ich weiter auf Rechnung verkaufen?',
    why: 'Warum',
    OK: 'Verkauf frei',
    CAUTION: 'Erst prüfen',
    HOLD: 'Stopp',
    UNKNOWN: 'Noch unklar',
  },

  reason: (f: Format, { code, message, amount, days: n, share, date }: Reason): string => {
    switch (code) {
      case 'NOT_LINKED':
        return 'Mit keinem Kunden der Buchhaltung verknüpft';
      case 'SYNCING':
        return 'Die Buchhaltung wird noch geladen';
      case 'PARTIAL':
        return 'Ein Teil der Buchhaltung fehlt';
      case 'TOO_OLD':
        return 'Die Zahlen sind zu alt für eine Entscheidung';
      case 'NO_RATE':
        return 'Kein Wechselkurs für die Währung des Limits';
      case 'OVER_LIMIT':
        return amount
          ? `Kreditlimit um ${f.moneyMagnitude(amount)} überschritten`
          : 'Kreditlimit überschritten';
      case 'CASH_ONLY':
        return amount
          ? `Nur Barzahlung, und ${f.moneyMagnitude(amount)} sind noch offen`
          : 'Nur Barzahlung, und es ist noch etwas offen';
      case 'LIMIT_EXPIRED':
        return date
          ? `Das Kreditlimit endete am ${f.date(date)}`
          : 'Das Kreditlimit ist abgelaufen';
      case 'LONG_OVERDUE':
        return n === null
          ? 'Zu lange überfällig'
          : amount
            ? `${f.moneyMagnitude(amount)} überfällig, bis zu ${days(f, n)}`
            : `Seit ${ofDays(f, n)} überfällig`;
      case 'OVERDUE':
        if (amount && n !== null)
          return `${f.moneyMagnitude(amount)} überfällig, bis zu ${days(f, n)}`;
        if (amount) return `${f.moneyMagnitude(amount)} überfällig`;
        return n === null ? 'Es ist etwas überfällig' : `Seit ${ofDays(f, n)} überfällig`;
      case 'NEAR_LIMIT':
        return share ? `${f.percent(share)} des Kreditlimits sind genutzt` : 'Nahe am Kreditlimit';
      case 'NO_LIMIT':
        return 'Kein Kreditlimit festgelegt';
      case 'TIE_OUT_DIFFERENCE':
        return amount
          ? `Der Saldo der Buchhaltung weicht um ${f.moneyMagnitude(amount)} ab`
          : 'Der Saldo der Buchhaltung weicht von unserem ab';
      case 'DISCONNECTED':
        return 'Die Verbindung zur Buchhaltung ist verloren';
      case 'IN_ORDER':
        return 'Alles in Ordnung';
      default:
        return message;
    }
  },

  customer: {
    own: 'Mit diesem Kontakt verknüpft',
    numbered: (number) => `Kunde ${number}`,
    origin: {
      MANUAL: 'Von Hand verknüpft',
      IMPORT: 'Per Import verknüpft',
      EMAIL: 'Über die E-Mail-Adresse verknüpft',
      TAX_NUMBER: 'Über die Steuernummer verknüpft',
    },
    viaCompany: 'Über die Firma des Kontakts verknüpft',
    viaCompanyUnsigned: 'Über die von der Seite genannte Firma verknüpft',
    several: (n) => `${n} Kunden zusammen`,
    inactive: 'in der Buchhaltung inaktiv',
    books: (organization, provider) => `${organization} in ${provider}`,
    provider: { quickbooks: 'QuickBooks', xero: 'Xero', sage: 'Sage', tryton: 'Tryton' },
    openLedger: (name) => `${name} in der Buchhaltung öffnen`,
    parts: 'Jeder Kunde für sich',
  },

  figures: {
    heading: 'Wichtigste Zahlen',
    outstanding: 'Offen',
    overdue: 'Überfällig',
    nothing: 'Nichts',
    inCredit: 'Guthaben',
    unapplied: (amount) => `nach ${amount} Guthaben`,
    documents: (n) => (n === 1 ? '1 Beleg' : `${n} Belege`),
    oldest: (f, n) => `bis zu ${days(f, n)}`,
    missing: 'Ein Teil der Buchhaltung fehlt',
    total: (amount) => `zusammen ${amount}, umgerechnet`,
    totalRate: (from, to, rate, dated, source) => `1 ${from} = ${rate} ${to}, ${dated} (${source})`,
    credit: 'Kredit frei',
    overLimit: 'Über dem Limit',
    ofLimit: (limit) => `von ${limit} Limit`,
    usedShare: (share) => `${share} genutzt`,
    unused: 'nichts davon genutzt',
    meter: 'Genutzter Anteil des Kreditlimits',
    noLimit: 'Kein Limit',
    cashOnly: 'Nur Barzahlung',
    cashOnlyNote: 'Das Limit beträgt 0',
    expired: (date) => `endete am ${date}`,
    validTo: (date) => `bis ${date}`,
    noHeadroom: 'Nicht bekannt',
    noHeadroomNote: 'Kein Wechselkurs für die Währung des Limits',
    limitOrigin: {
      MANUAL: 'für diesen Kunden',
      IMPORT: 'importiert',
      LEDGER: 'aus der Buchhaltung',
      TENANT_DEFAULT: 'Standard',
    },
    usuallyPays: 'Zahlt meist',
    late: (f, n) => `${days(f, n)} zu spät`,
    early: (f, n) => `${days(f, n)} zu früh`,
    onTime: 'pünktlich',
    perCustomer: 'Je Kunde',
    perCustomerNote: 'steht bei jedem Kunden',
    behaviorUnknown: 'Zu wenige bezahlte Rechnungen',
    basedOn: (n) => `aus ${n} Rechnungen`,
  },

  band: {
    outstanding: {
      NONE: 'Nichts',
      LOW: 'Wenig',
      MEDIUM: 'Mittel',
      HIGH: 'Viel',
      IN_CREDIT: 'Guthaben',
    },
    overdue: { NONE: 'Nichts', LOW: 'Wenig', MEDIUM: 'Mittel', HIGH: 'Viel', IN_CREDIT: 'Nichts' },
    headroom: { NONE: 'Keiner', LOW: 'Wenig', MEDIUM: 'Etwas', HIGH: 'Viel', IN_CREDIT: 'Viel' },
    note: 'Beträge sind für Ihre Rolle nicht sichtbar',
  },

  aging: {
    heading: 'Offenes nach Alter',
    caption: (currency) => `Offenes in ${currency} nach Tagen über der Fälligkeit`,
    bucket: {
      CURRENT: 'Noch nicht fällig',
      DAYS_1_30: '1–30 Tage zu spät',
      DAYS_31_60: '31–60 Tage zu spät',
      DAYS_61_90: '61–90 Tage zu spät',
      OVER_90: 'Über 90 Tage zu spät',
    },
    age: 'Alter',
    amount: 'Betrag',
    unapplied: 'Nicht verrechnetes Guthaben',
    assumed: (n) =>
      n === 1
        ? 'Ein Beleg hat kein Fälligkeitsdatum: es gilt sein Belegdatum.'
        : `${n} Belege haben kein Fälligkeitsdatum: es gilt ihr Belegdatum.`,
  },

  insight: (
    f: Format,
    { kind, message, amount, days: n, share, date, item }: Insight,
    today: string,
  ): string => {
    switch (kind) {
      case 'SUDDENLY_LATE':
        return amount
          ? `Sonst pünktlich, plötzlich mit ${f.moneyMagnitude(amount)} im Rückstand. Ein Zahlungsplan kann helfen.`
          : 'Sonst pünktlich, plötzlich im Rückstand. Ein Zahlungsplan kann helfen.';
      case 'CHRONICALLY_LATE':
        return n === null
          ? 'Zahlt in der Regel zu spät. Kein Rabatt ohne Zahlung.'
          : `Zahlt in der Regel ${days(f, n)} zu spät. Kein Rabatt ohne Zahlung.`;
      case 'UNAPPLIED_RECEIPT': {
        const what = amount ? f.moneyMagnitude(amount) : 'Eine Zahlung';
        const when = date ? ` am ${f.shortDate(date, today)}` : '';
        return `${what} eingegangen${when}, noch nicht verrechnet. Nicht mahnen.`;
      }
      case 'REORDER_DUE':
        if (item && date)
          return `Nachbestellung fällig: ${item}, üblich bis ${f.shortDate(date, today)}.`;
        return item ? `Nachbestellung fällig: ${item}.` : message;
      case 'LIMIT_NEARLY_USED':
        if (share && amount)
          return `${f.percent(share)} des Limits genutzt; ${f.moneyMagnitude(amount)} frei.`;
        return share
          ? `${f.percent(share)} des Limits genutzt.`
          : 'Der größte Teil des Limits ist genutzt.';
      case 'LIMIT_EXPIRES':
        return date
          ? `Das Kreditlimit endet am ${f.shortDate(date, today)}.`
          : 'Das Kreditlimit endet bald.';
      default:
        return message;
    }
  },
  insights: 'Gut zu wissen',

  transactions: {
    heading: 'Letzte Belege',
    none: 'Noch keine Belege. Hat nie auf Rechnung gekauft.',
    noneYet: 'Es sind noch keine Belege da.',
    count: (shown, total) => `${shown} von ${total}`,
    more: 'Mehr zeigen',
    loadingMore: 'Wird geladen…',
    moreFailed: 'Weitere Belege konnten nicht geladen werden.',
    kind: {
      INVOICE: 'Rechnung',
      CREDIT_NOTE: 'Gutschrift',
      PAYMENT: 'Zahlung',
      OVERPAYMENT: 'Überzahlung',
      PREPAYMENT: 'Anzahlung',
      REFUND: 'Erstattung',
      CASH_SALE: 'Barverkauf',
      CASH_REFUND: 'Barerstattung',
      JOURNAL_ENTRY: 'Buchung',
      EXPENSE: 'Ausgabe',
      DEPOSIT: 'Einzahlung',
      OPENING_BALANCE: 'Anfangssaldo',
    },
    status: {
      DRAFT: 'Entwurf',
      OPEN: 'Offen',
      PARTIALLY_PAID: 'Teilbezahlt',
      OVERDUE: 'Überfällig',
      PAID: 'Bezahlt',
      UNAPPLIED: 'Unverrechnet',
      VOIDED: 'Storniert',
    },
    applied: 'Verrechnet',
    daysLate: (f, n) => `${days(f, n)} zu spät`,
    dueOn: (date) => `fällig ${date}`,
    dueToday: 'heute fällig',
    open: (amount) => `${amount} offen`,
    amountHidden: 'Betrag nicht sichtbar',
    details: {
      loading: 'Einzelheiten werden geladen…',
      failed: 'Einzelheiten konnten nicht geladen werden.',
      due: 'Fällig',
      assumed: 'angenommen',
      customer: 'Kunde',
      total: 'Gesamt',
      openAmount: 'Offen',
      lines: 'Positionen',
      linesOf: (document) => `Positionen: ${document}`,
      noLines: 'Keine Positionen.',
      description: 'Bezeichnung',
      quantity: 'Menge',
      price: 'Preis',
      amount: 'Betrag',
      noDescription: 'Ohne Bezeichnung',
      settledBy: 'Beglichen durch',
      settles: 'Begleicht',
      openLedger: 'In der Buchhaltung öffnen',
    },
  },

  behavior: {
    heading: 'Zahlungsverhalten',
    headingIn: (currency) => `Zahlungsverhalten in ${currency}`,
    since: (date, n) => `${n} Rechnungen bezahlt seit ${date}`,
    averageDaysToPay: 'Tage bis zur Zahlung',
    daysBeyondTerms: 'Gegenüber dem Ziel',
    currentDelay: 'Mit jetzt Überfälligem',
    onTimeRate: 'Pünktlich bezahlt',
    onTimeRateByAmount: 'Pünktlich, nach Betrag',
    slower: (recent, earlier) =>
      `Langsamer als zuvor: ${recent} in den letzten 90 Tagen, davor ${earlier}.`,
    faster: (recent, earlier) =>
      `Schneller als zuvor: ${recent} in den letzten 90 Tagen, davor ${earlier}.`,
    steady: 'Über das letzte Jahr kaum verändert.',
    days,
    byCredit: (n) => `${n} nur durch Guthaben geschlossen, nicht gezählt`,
    method: 'Wie das berechnet wird',
    methodWords: () =>
      'Aus den Rechnungen, die in den letzten 365 Tagen beglichen wurden; beglichen an dem Tag, an dem durch Zahlungen nichts mehr offen war. Nur durch Guthaben geschlossene zählen gesondert. Tage bis zur Zahlung: Mittel von Rechnungsdatum bis Begleichung. Gegenüber dem Ziel: je Zahlung die Tage ab Fälligkeit, nach Betrag gewichtet. Mit jetzt Überfälligem: dasselbe, Offenes und Überfälliges bis heute mitgezählt. Pünktlich: bis zur Fälligkeit beglichen, von allen beglichenen und den offenen überfälligen.',
  },

  purchases: {
    heading: 'Was gekauft wird',
    spend: (year) => `netto ${year}`,
    none: (year) => `${year} nichts gekauft.`,
    loading: 'Einkäufe werden geladen…',
    failed: 'Einkäufe konnten nicht geladen werden.',
    caption: (year) => `Gekaufte Artikel ${year}`,
    item: 'Artikel',
    spent: 'Netto',
    last: (date) => `zuletzt ${date}`,
    next: (date) => `fällig ${date}`,
    quantity: (quantity) => `${quantity} ×`,
  },

  freshness: {
    heading: 'Zu diesen Zahlen',
    asOf: (date) => `Stand ${date}`,
    checked: (age) => `geprüft ${age}`,
    neverChecked: 'nie geprüft',
    checkedAt: 'Letzter Blick in die Buchhaltung',
    live: 'Aktualisiert sich selbst',
    paused: 'Aktualisierung pausiert',
    coverage: 'Enthält Belege seit',
    status: {
      FRESH: 'Aktuell',
      STALE: 'Nicht aktuell',
      PARTIAL: 'Unvollständig',
      DISCONNECTED: 'Getrennt',
      SYNCING: 'Wird geladen',
    },
    notice: {
      STALE: (age) => `Nicht aktuell: die Buchhaltung wurde zuletzt ${age} gelesen.`,
      STALE_NEVER: 'Nicht aktuell: die Buchhaltung wurde noch nicht gelesen.',
      PARTIAL: 'Unvollständig: ein Teil der Buchhaltung ist noch nicht da.',
      DISCONNECTED:
        'Getrennt: dies sind die letzten bekannten Zahlen. Eine Administratorin muss die Buchhaltung neu verbinden.',
      SYNCING:
        'Die Buchhaltung wird zum ersten Mal geladen. Die Zahlen erscheinen von selbst, sobald sie vollständig sind.',
    },
    progress: (done, total) => `${done} von ${total} Datensätzen`,
    progressOpen: (done) => `${done} Datensätze bisher`,
    progressLabel: 'Erstes Laden der Buchhaltung',
    missing: (sets) => `Es fehlt: ${sets}.`,
    datasets: 'Wann jeder Teil der Buchhaltung zuletzt geladen wurde',
    dataset: 'Teil',
    loaded: 'Zuletzt geladen',
    never: 'noch nicht',
    set: {
      ACCOUNTS: 'Konten',
      TERMS: 'Zahlungsziele',
      ITEMS: 'Artikel',
      CUSTOMERS: 'Kunden',
      INVOICES: 'Rechnungen',
      PAYMENTS: 'Zahlungen',
      CREDIT_NOTES: 'Gutschriften',
      CASH_SALES: 'Barverkäufe',
      CASH_REFUNDS: 'Barerstattungen',
      JOURNAL_ENTRIES: 'Buchungen',
      DEPOSITS: 'Einzahlungen',
      EXPENSES: 'Ausgaben',
      OVERPAYMENTS: 'Überzahlungen',
      PREPAYMENTS: 'Vorauszahlungen',
      QUICK_ENTRIES: 'Schnellerfassungen',
      ALLOCATIONS: 'Verrechnungen',
      OPENING_BALANCES: 'Eröffnungssalden',
    },
  },

  tieOut: {
    TIES: 'Stimmt mit dem Saldo der Buchhaltung überein',
    DIFFERS: (amount) => `Weicht vom Saldo der Buchhaltung um ${amount} ab`,
    DIFFERS_HIDDEN: 'Weicht vom Saldo der Buchhaltung ab',
    both: (ours, ledger) => `Wir zählen ${ours}; die Buchhaltung sagt ${ledger}.`,
    NOT_CHECKABLE: 'Die Buchhaltung nennt keinen Saldo zum Vergleich',
    futureDated: 'Einige Belege sind in die Zukunft datiert.',
  },

  announce: {
    changed: (decision, outstanding) => `Aktualisiert. ${decision}. Offen: ${outstanding}.`,
    more: (shown, total) => `${shown} von ${total} Belegen gezeigt.`,
    linked: (name) => `Mit ${name} verknüpft.`,
    found: (n) =>
      n === 0 ? 'Kein Kunde gefunden.' : n === 1 ? '1 Kunde gefunden.' : `${n} Kunden gefunden.`,
  },

  states: {
    loading: 'Der Puls wird geladen…',
    unlinked: 'Nicht verknüpft',
    unlinkedText:
      'Dieser Kontakt ist mit keinem Kunden der Buchhaltung verknüpft; deshalb lässt sich noch nichts sagen.',
    unlinkedAsk: 'Bitten Sie die Buchhaltung, ihn zu verknüpfen.',
    absent: 'Nichts zu zeigen',
    absentText: 'Dieser Kontakt ist hier nicht bekannt oder nicht für Sie bestimmt.',
    forbidden: 'Nicht für Ihre Rolle',
    forbiddenText: 'Ihre Rolle darf das nicht sehen. Eine Administratorin kann das ändern.',
    ended: 'Sitzung beendet',
    endedText: 'Zum Schutz der Zahlen sind sie jetzt ausgeblendet.',
    endedReload: 'Laden Sie die Kontaktseite neu, um sie wieder zu sehen.',
    endedCapped:
      'Das Fenster war so lange offen, wie es darf. Laden Sie es neu, um sie wieder zu sehen.',
    endedRenew: 'Wieder zeigen',
    endedRenewing: 'Das CRM wird gefragt…',
    offline: 'Sie sind offline',
    offlineText: 'Der Puls erscheint, sobald das Netz wieder da ist.',
    failed: 'Gerade nicht verfügbar',
    retry: 'Erneut versuchen',
    retrying: 'Versuche…',
    misplaced: 'Bitte im CRM öffnen',
    misplacedText: 'Diese Seite zeigt den Puls eines Kunden auf einer Kontaktseite des CRM.',
  },

  errors: {
    UNAUTHENTICATED: 'Die Sitzung ist beendet. Laden Sie die Kontaktseite neu.',
    FORBIDDEN: 'Ihre Rolle darf das nicht.',
    NOT_FOUND: 'Es ist nicht mehr da.',
    BAD_USER_INPUT: 'Der Server hat das nicht angenommen.',
    LEDGER_UNAVAILABLE: 'Die Buchhaltung antwortet gerade nicht.',
    RATE_LIMITED: 'Zu viele Anfragen auf einmal. Warten Sie einen Moment.',
    INTERNAL: 'Auf dem Server ist etwas schiefgegangen.',
    NETWORK: 'Der Server antwortet nicht.',
  },

  linking: {
    heading: 'Mit einem Kunden verknüpfen',
    search: 'In der Buchhaltung suchen',
    hint: 'Name, E-Mail oder Nummer',
    find: 'Suchen',
    finding: 'Suche…',
    none: 'Kein Kunde gefunden. Versuchen Sie eine andere Schreibweise.',
    results: 'Gefundene Kunden',
    link: 'Verknüpfen',
    linkTo: (name) => `Mit ${name} verknüpfen`,
    linking: 'Verknüpfe…',
  },
};
