import type { ComponentChildren } from 'preact';
import type { Band } from '../api/generated';
import type { Balance, CreditDecision, CurrencyBalance, Money, Pulse } from '../api/types';
import { forDrawing, isNegative, isZero, magnitude } from '../format/decimal';
import { useLanguage } from '../i18n/language';
import { Amount, BalanceAmount, Changing } from './amount';
import styles from './figures.module.css';

/** The four figures behind the answer. What is not known is said to be so: it is never 0. */
export function Figures({ pulse }: { readonly pulse: Pulse }) {
  const { t } = useLanguage();
  return (
    <section aria-label={t.figures.heading}>
      <dl class={styles.figures}>
        <Outstanding balance={pulse.balance} />
        <Overdue balance={pulse.balance} />
        <CreditLeft pulse={pulse} />
        <UsuallyPays pulse={pulse} />
      </dl>
    </section>
  );
}

interface FigureProps {
  readonly label: string;
  /** Whether it takes the whole width, and how. */
  readonly wide?: 'credit' | 'pays';
  readonly children: ComponentChildren;
}

function Figure({ label, wide, children }: FigureProps) {
  return (
    <div class={wide ? styles[wide] : styles.figure}>
      <dt class={styles.label}>{label}</dt>
      {children}
    </div>
  );
}

const Note = ({ children }: { readonly children: ComponentChildren }) => (
  <dd class={styles.note}>{children}</dd>
);

/** What is not known, in words, with the reason. */
function NotKnown({ why }: { readonly why: string }) {
  const { t } = useLanguage();
  return (
    <>
      <dd class={`${styles.value} ${styles.words}`}>{t.unknown}</dd>
      <Note>{why}</Note>
    </>
  );
}

interface PerCurrencyProps {
  readonly balances: readonly CurrencyBalance[];
  readonly amount: (balance: CurrencyBalance) => Money | null;
  readonly band: (balance: CurrencyBalance) => Band;
  readonly bands: Record<Band, string>;
  readonly alarm?: boolean;
}

/** One value for each currency, side by side and never added up. */
function PerCurrency({ balances, amount, band, bands, alarm = false }: PerCurrencyProps) {
  const { f } = useLanguage();
  const several = balances.length > 1;
  const size = several ? styles.several : '';
  return (
    <dd class={`${styles.value} ${size} ${alarm ? styles.alarm : ''}`}>
      {balances.map((balance) => {
        const money = amount(balance);
        if (money) {
          return (
            <Changing key={balance.currency} text={f.money(money)}>
              <BalanceAmount of={money} large={!several} />
            </Changing>
          );
        }
        const word = bands[band(balance)];
        return (
          <Changing key={balance.currency} text={word}>
            {several ? `${balance.currency} ${word.toLocaleLowerCase(f.locale)}` : word}
          </Changing>
        );
      })}
    </dd>
  );
}

function Outstanding({ balance }: { readonly balance: Balance | null }) {
  const { t, f } = useLanguage();
  if (!balance) {
    return (
      <Figure label={t.figures.outstanding}>
        <NotKnown why={t.figures.missing} />
      </Figure>
    );
  }
  const { byCurrency, total } = balance;
  const credits = byCurrency.flatMap(({ unappliedCredit, outstanding }) =>
    unappliedCredit &&
    outstanding &&
    !isZero(unappliedCredit.amount) &&
    !isNegative(outstanding.amount)
      ? [f.money(unappliedCredit)]
      : [],
  );
  return (
    <Figure label={t.figures.outstanding}>
      {byCurrency.length === 0 ? (
        <dd class={`${styles.value} ${styles.words}`}>{t.figures.nothing}</dd>
      ) : (
        <PerCurrency
          balances={byCurrency}
          amount={({ outstanding }) => outstanding}
          band={({ outstandingBand }) => outstandingBand}
          bands={t.band.outstanding}
        />
      )}
      {credits.length > 0 && <Note>{t.figures.unapplied(credits.join(', '))}</Note>}
      {byCurrency.length > 1 && total?.outstanding && (
        <Note>
          {t.figures.total(
            `${f.moneyMagnitude(total.outstanding)}${
              isNegative(total.outstanding.amount) ? ` ${t.figures.inCredit}` : ''
            }`,
          )}
        </Note>
      )}
    </Figure>
  );
}

function Overdue({ balance }: { readonly balance: Balance | null }) {
  const { t, f } = useLanguage();
  if (!balance) {
    return (
      <Figure label={t.figures.overdue}>
        <NotKnown why={t.figures.missing} />
      </Figure>
    );
  }
  const late = balance.byCurrency.filter(({ overdueCount }) => overdueCount > 0);
  if (late.length === 0) {
    return (
      <Figure label={t.figures.overdue}>
        <dd class={`${styles.value} ${styles.words}`}>{t.figures.nothing}</dd>
      </Figure>
    );
  }
  const count = late.reduce((sum, { overdueCount }) => sum + overdueCount, 0);
  const oldest = Math.max(...late.map(({ oldestOverdueDays }) => oldestOverdueDays ?? 0));
  return (
    <Figure label={t.figures.overdue}>
      <PerCurrency
        balances={late}
        amount={({ overdue }) => overdue}
        band={({ overdueBand }) => overdueBand}
        bands={t.band.overdue}
        alarm
      />
      <Note>
        {t.figures.documents(count)}
        {oldest > 0 && `, ${t.figures.oldest(f, oldest)}`}
      </Note>
    </Figure>
  );
}

/** How much of the limit is left. Without a limit there is nothing that could be left. */
function CreditLeft({ pulse }: { readonly pulse: Pulse }) {
  const { t, f } = useLanguage();
  const { credit, decision, parts, balance } = pulse;
  if (!credit && balance && parts.length > 1) {
    return (
      <Figure label={t.figures.credit} wide="credit">
        <dd class={`${styles.value} ${styles.words}`}>{t.figures.perCustomer}</dd>
        <Note>{t.figures.perCustomerNote}</Note>
      </Figure>
    );
  }
  if (!credit) {
    return (
      <Figure label={t.figures.credit} wide="credit">
        <NotKnown why={t.figures.missing} />
      </Figure>
    );
  }
  const { limit, limitOrigin, headroom, headroomBand, utilization, validTo, expired } = credit;
  if (limitOrigin === null) {
    return (
      <Figure label={t.figures.credit} wide="credit">
        <dd class={`${styles.value} ${styles.words}`}>{t.figures.noLimit}</dd>
      </Figure>
    );
  }
  const used =
    utilization === null
      ? null
      : isZero(utilization) || isNegative(utilization)
        ? t.figures.unused
        : t.figures.usedShare(f.percent(utilization));
  const cashOnly = limit !== null && isZero(limit.amount);
  const over = headroom !== null && isNegative(headroom.amount);
  const origin = t.figures.limitOrigin[limitOrigin];
  const term = validTo
    ? expired
      ? t.figures.expired(f.date(validTo))
      : t.figures.validTo(f.date(validTo))
    : null;
  const about = [origin, term].filter(Boolean).join(', ');
  return (
    <Figure label={over ? t.figures.overLimit : t.figures.credit} wide="credit">
      <dd
        class={`${styles.value} ${over ? styles.alarm : ''} ${cashOnly || !headroom ? styles.words : ''}`}
      >
        {cashOnly && !over ? (
          t.figures.cashOnly
        ) : headroom ? (
          <Changing text={f.money(headroom)}>
            <Amount of={{ ...headroom, amount: magnitude(headroom.amount) }} large />
          </Changing>
        ) : limit ? (
          expired ? (
            t.figures.noLimit
          ) : (
            t.figures.noHeadroom
          )
        ) : headroomBand ? (
          t.band.headroom[headroomBand]
        ) : (
          t.unknown
        )}
      </dd>
      {limit && (
        <dd class={`${styles.note} ${styles.limit}`}>
          {cashOnly ? t.figures.cashOnlyNote : t.figures.ofLimit(f.money(limit))}
        </dd>
      )}
      {utilization !== null && (
        <dd class={styles.whole}>
          {/* Heard as a meter, and drawn beside it: browsers do not agree on how to draw one. */}
          <meter
            class="heard"
            min={0}
            max={1}
            value={forDrawing(utilization)}
            aria-label={t.figures.meter}
            aria-valuetext={used ?? undefined}
          >
            {used}
          </meter>
          <div class={styles.track} data-tone={toneOf(decision)} aria-hidden="true">
            <div class={styles.used} style={{ width: `${forDrawing(utilization) * 100}%` }} />
          </div>
        </dd>
      )}
      <dd class={`${styles.note} ${styles.row} ${styles.whole}`}>
        {used !== null && <span>{used}</span>}
        {limit && !cashOnly && !headroom && !expired && <span>{t.figures.noHeadroomNote}</span>}
        <span>{about}</span>
      </dd>
    </Figure>
  );
}

/** The meter has the color of what the decision says of the limit, whatever the policy is. */
function toneOf({ reasons }: CreditDecision): 'OK' | 'CAUTION' | 'HOLD' {
  const codes = reasons.map(({ code }) => code);
  if (codes.includes('OVER_LIMIT') || codes.includes('CASH_ONLY')) return 'HOLD';
  return codes.includes('NEAR_LIMIT') ? 'CAUTION' : 'OK';
}

function UsuallyPays({ pulse }: { readonly pulse: Pulse }) {
  const { t, f } = useLanguage();
  const { behaviors } = pulse;
  const complete = pulse.balance !== null;
  if (behaviors.length === 0) {
    return (
      <Figure label={t.figures.usuallyPays} wide="pays">
        <NotKnown why={complete ? t.figures.behaviorUnknown : t.figures.missing} />
      </Figure>
    );
  }
  const several = behaviors.length > 1;
  return (
    <Figure label={t.figures.usuallyPays} wide="pays">
      <dd class={`${styles.value} ${several ? styles.several : styles.words}`}>
        {behaviors.map(({ currency, daysBeyondTerms }) => {
          const words = f.noDays(daysBeyondTerms)
            ? t.figures.onTime
            : isNegative(daysBeyondTerms)
              ? t.figures.early(f, daysBeyondTerms)
              : t.figures.late(f, daysBeyondTerms);
          return (
            <Changing key={currency} text={words}>
              {several ? `${currency}: ${words}` : words}
            </Changing>
          );
        })}
      </dd>
      <Note>
        {t.figures.basedOn(behaviors.reduce((sum, { settledCount }) => sum + settledCount, 0))}
      </Note>
    </Figure>
  );
}
