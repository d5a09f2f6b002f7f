import { useState } from 'preact/hooks';
import { ApiError, type ErrorCode } from '../api/errors';
import type { Customer } from '../api/types';
import { useLanguage } from '../i18n/language';
import { booksOf } from './customer';
import layout from './layout.module.css';
import styles from './linking.module.css';

interface LinkingProps {
  readonly find: (search: string) => Promise<readonly Customer[]>;
  readonly link: (customerId: string) => Promise<void>;
  /** Says something to those who hear the page. */
  readonly announce: (words: string) => void;
}

/** Finds the customer in the books that the contact is, and links the two. */
export function Linking({ find, link, announce }: LinkingProps) {
  const language = useLanguage();
  const { t } = language;
  const [search, setSearch] = useState('');
  const [found, setFound] = useState<readonly Customer[] | null>(null);
  // What is under way: the search, or the linking to one customer.
  const [busy, setBusy] = useState<string | null>(null);
  const [failed, setFailed] = useState<ErrorCode | null>(null);

  const run = async (what: string, work: () => Promise<void>): Promise<void> => {
    if (busy !== null) return;
    setBusy(what);
    setFailed(null);
    try {
      await work();
    } catch (thrown) {
      setFailed(ApiError.of(thrown).code);
    } finally {
      setBusy(null);
    }
  };

  const submit = (event: Event): void => {
    event.preventDefault();
    const text = search.trim();
    if (text === '') return;
    void run('find', async () => {
      const customers = await find(text);
      setFound(customers);
      announce(t.announce.found(customers.length));
    });
  };

  const choose = (customer: Customer): void => {
    void run(customer.id, async () => {
      await link(customer.id);
      announce(t.announce.linked(customer.name));
    });
  };

  return (
    <section class={layout.section} aria-labelledby="linking">
      <h2 class={layout.heading} id="linking">
        {t.linking.heading}
      </h2>
      <form class={styles.form} role="search" onSubmit={submit}>
        <label class={styles.label} for="customer-search">
          {t.linking.search}
        </label>
        <div class={styles.fields}>
          <input
            class={styles.input}
            id="customer-search"
            type="search"
            autocomplete="off"
            placeholder={t.linking.hint}
            value={search}
            onInput={({ currentTarget }) => {
              setSearch(currentTarget.value);
            }}
          />
          <button
            type="submit"
            class={`${layout.button} ${layout.primary}`}
            aria-disabled={busy !== null}
          >
            {busy === 'find' ? t.linking.finding : t.linking.find}
          </button>
        </div>
      </form>
      {failed && <p role="alert">{t.errors[failed]}</p>}
      {found?.length === 0 && <p class={layout.soft}>{t.linking.none}</p>}
      {found && found.length > 0 && (
        <ul class={styles.results} aria-label={t.linking.results}>
          {found.map((customer) => (
            <li key={customer.id}>
              <div class={styles.who}>
                <div class={styles.label}>{customer.name}</div>
                <div class={layout.small}>
                  {booksOf(language, customer)} · {customer.currency}
                  {!customer.active && ` · ${t.customer.inactive}`}
                </div>
              </div>
              <button
                type="button"
                class={layout.button}
                aria-label={t.linking.linkTo(customer.name)}
                aria-disabled={busy !== null}
                onClick={() => {
                  choose(customer);
                }}
              >
                {busy === customer.id ? t.linking.linking : t.linking.link}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
