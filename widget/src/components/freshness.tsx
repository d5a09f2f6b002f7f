import type { Freshness, Pulse, TieOut } from '../api/types';
import { magnitude } from '../format/decimal';
import { useLanguage, type Language } from '../i18n/language';
import type { Shown } from '../pulse/state';
import styles from './freshness.module.css';
import layout from './layout.module.css';
import { useNow } from './now';

/** What is not as it should be with the data, in words, where it cannot be overlooked. */
export function FreshnessNotice({ freshness }: { readonly freshness: Freshness }) {
  const language = useLanguage();
  const { t, f } = language;
  const now = useNow();
  const { status, checkedAt, progress, datasets } = freshness;
  if (status === 'FRESH') return null;
  const missing = datasets
    .filter(({ succeededAt }) => succeededAt === null)
    .map(({ dataset }) => t.freshness.set[dataset]);
  return (
    <div class={styles.notice} data-status={status}>
      <p>
        {status === 'STALE'
          ? checkedAt
            ? t.freshness.notice.STALE(f.age(checkedAt, now))
            : t.freshness.notice.STALE_NEVER
          : t.freshness.notice[status]}
      </p>
      {status === 'PARTIAL' && missing.length > 0 && (
        <p class={layout.small}>{t.freshness.missing(missing.join(', '))}</p>
      )}
      {status === 'DISCONNECTED' && checkedAt && (
        <p class={layout.small}>
          {t.freshness.checkedAt}: {f.instant(checkedAt)}
        </p>
      )}
      {status === 'SYNCING' && progress && <Progress progress={progress} />}
    </div>
  );
}

function Progress({ progress }: { readonly progress: NonNullable<Freshness['progress']> }) {
  const { t, f } = useLanguage();
  const { done, total } = progress;
  const words =
    total === null
      ? t.freshness.progressOpen(f.quantity(String(done)))
      : t.freshness.progress(f.quantity(String(done)), f.quantity(String(total)));
  // Without a total the bar would have no end: it runs to and fro instead.
  const measure = total === null ? {} : { value: done, max: Math.max(1, total, done) };
  return (
    <>
      <progress
        class={styles.progress}
        aria-label={t.freshness.progressLabel}
        aria-valuetext={words}
        {...measure}
      />
      <p class={layout.small}>{words}</p>
    </>
  );
}

/** How fresh the figures are and whether they agree with the books, with everything on demand. */
export function About({ state }: { readonly state: Shown }) {
  const language = useLanguage();
  const { t, f } = language;
  const now = useNow();
  const { pulse, live } = state;
  const { freshness, asOf, balance } = pulse;
  const { checkedAt } = freshness;
  return (
    <section class={`${layout.ruled} ${styles.about}`} aria-labelledby="about">
      <h2 class="heard" id="about">
        {t.freshness.heading}
      </h2>
      <p>
        {t.freshness.asOf(f.date(asOf))},{' '}
        {checkedAt ? (
          <time dateTime={checkedAt} title={f.instant(checkedAt)}>
            {t.freshness.checked(f.age(checkedAt, now))}
          </time>
        ) : (
          t.freshness.neverChecked
        )}
      </p>
      {balance && <TieOutNote tieOut={balance.tieOut} />}
      <p>
        <Mark path={live ? marks.live : marks.paused} />
        {live ? t.freshness.live : t.freshness.paused}
      </p>
      <details>
        <summary class={layout.summary}>{t.freshness.heading}</summary>
        <More pulse={pulse} />
      </details>
    </section>
  );
}

function More({ pulse }: { readonly pulse: Pulse }) {
  const { t, f } = useLanguage();
  const { freshness, balance } = pulse;
  const { checkedAt, coverageFrom, datasets } = freshness;
  const rates = balance?.total?.rates ?? [];
  return (
    <>
      {checkedAt && (
        <p>
          {t.freshness.checkedAt}: {f.instant(checkedAt)}
        </p>
      )}
      {coverageFrom && (
        <p>
          {t.freshness.coverage} {f.date(coverageFrom)}
        </p>
      )}
      {rates.map(({ from, to, rate, dated, source }) => (
        <p key={from}>{t.figures.totalRate(from, to, f.quantity(rate), f.date(dated), source)}</p>
      ))}
      <table class={layout.table}>
        <caption class="heard">{t.freshness.datasets}</caption>
        <thead>
          <tr>
            <th scope="col">{t.freshness.dataset}</th>
            <th scope="col" class={layout.amount}>
              {t.freshness.loaded}
            </th>
          </tr>
        </thead>
        <tbody>
          {datasets.map(({ dataset, succeededAt }) => (
            <tr key={dataset}>
              <th scope="row">{t.freshness.set[dataset]}</th>
              <td class={layout.amount}>
                {succeededAt ? f.instant(succeededAt) : t.freshness.never}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Whether our figure and the books' own are the same. */
function TieOutNote({ tieOut }: { readonly tieOut: TieOut }) {
  const language = useLanguage();
  const { t } = language;
  const differs = tieOut.status === 'DIFFERS';
  return (
    <p class={differs ? styles.differs : undefined}>
      <Mark path={marks[tieOut.status]} />
      {tieOutWords(language, tieOut)}
      {tieOut.futureDated && ` ${t.tieOut.futureDated}`}
    </p>
  );
}

function tieOutWords({ t, f }: Language, { status, ours, ledger, difference }: TieOut): string {
  if (status !== 'DIFFERS') return t.tieOut[status];
  if (!difference) return t.tieOut.DIFFERS_HIDDEN;
  const differs = t.tieOut.DIFFERS(
    f.money({ ...difference, amount: magnitude(difference.amount) }),
  );
  return ours && ledger ? `${differs}. ${t.tieOut.both(f.money(ours), f.money(ledger))}` : differs;
}

const marks = {
  TIES: 'm2.5 6.5 2.5 2.5 5-5.5',
  DIFFERS: 'M2.5 4.5h8M2.5 8.5h8M8 2.5l-3 8',
  NOT_CHECKABLE: 'M2.5 6.5h8',
  live: 'M1.5 7h2.25L5.5 3l2.25 6.5L9 7h2.5',
  paused: 'M4.5 3v7M8.5 3v7',
};

function Mark({ path }: { readonly path: string }) {
  return (
    <svg class={styles.mark} viewBox="0 0 13 13" aria-hidden="true" focusable="false">
      <path
        d={path}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
