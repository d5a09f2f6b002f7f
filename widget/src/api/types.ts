import type {
  ContactPartsFragment,
  CustomerPartsFragment,
  MoneyPartsFragment,
  PulsePartsFragment,
  PulseQuery,
  PurchasesQuery,
  TransactionDetailsQuery,
  TransactionPageFragment,
} from './generated';

/** Names for the parts of the answers, so that components need not spell out the operations. */
export type Viewer = PulseQuery['viewer'];
export type Contact = ContactPartsFragment;
export type ContactLink = Contact['link'];
export type Customer = CustomerPartsFragment;
export type Pulse = PulsePartsFragment;
export type PulsePart = Pulse['parts'][number];
export type Money = MoneyPartsFragment;
export type Freshness = Pulse['freshness'];
export type CreditDecision = Pulse['decision'];
export type Reason = CreditDecision['reasons'][number];
export type Balance = NonNullable<Pulse['balance']>;
export type TotalBalance = NonNullable<Balance['total']>;
export type CurrencyBalance = Balance['byCurrency'][number];
export type AgingEntry = CurrencyBalance['aging'][number];
export type TieOut = Balance['tieOut'];
export type Credit = NonNullable<Pulse['credit']>;
export type PaymentBehavior = Pulse['behaviors'][number];
export type Insight = Pulse['insights'][number];
export type PurchaseYear = NonNullable<Pulse['purchases']>;
export type TransactionPage = TransactionPageFragment;
export type TransactionEdge = TransactionPage['edges'][number];
export type Transaction = TransactionEdge['node'];

type AnsweredPulse<Q extends { contact: { pulse: unknown } | null }> = NonNullable<
  NonNullable<Q['contact']>['pulse']
>;
export type TransactionDetails =
  AnsweredPulse<TransactionDetailsQuery>['transactions']['nodes'][number];
export type ItemPurchases = NonNullable<
  AnsweredPulse<PurchasesQuery>['purchases']
>['items'][number];
