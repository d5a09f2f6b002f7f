import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { Money } from '../api/types';
import { isNegative, magnitude } from '../format/decimal';
import { useLanguage } from '../i18n/language';
import styles from './amount.module.css';

interface AmountProps {
  readonly of: Money;
  /** Whether the cents are set smaller, for figures in large type. */
  readonly large?: boolean;
}

/** An amount, exact, readable by programs, never broken over two lines. */
export function Amount({ of, large = false }: AmountProps) {
  const { f } = useLanguage();
  if (!large) {
    return (
      <data class={styles.amount} value={of.amount}>
        {f.money(of)}
      </data>
    );
  }
  const { lead, fraction, trail } = f.moneyPieces(of);
  return (
    <data class={styles.amount} value={of.amount}>
      {lead}
      <span class={styles.fraction}>{fraction}</span>
      {trail}
    </data>
  );
}

/** A balance: one below zero is said in words, not by a sign alone. */
export function BalanceAmount({ of, large = false }: AmountProps) {
  const { t } = useLanguage();
  if (!isNegative(of.amount)) return <Amount of={of} large={large} />;
  return (
    <>
      <Amount of={{ ...of, amount: magnitude(of.amount) }} large={large} />{' '}
      <span class={styles.inCredit}>{t.figures.inCredit}</span>
    </>
  );
}

/** Lights up for a moment when what it says has changed while the page was open. */
export function Changing({
  text,
  children,
}: {
  readonly text: string;
  readonly children: ComponentChildren;
}) {
  const first = useRef(text);
  return (
    <span key={text} class={text === first.current ? undefined : styles.changed}>
      {children}
    </span>
  );
}
