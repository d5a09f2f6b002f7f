import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { Format } from '../format/format';
import { en, type Messages } from './en';

/** The words and the formats of one locale. */
export interface Language {
  readonly t: Messages;
  readonly f: Format;
}

const english: Language = { t: en, f: new Format('en') };

/**
 * The language of a BCP 47 locale. English where there is no catalogue; the formats are the
 * locale's own only where the words are, so that a sentence is never half one and half the other.
 * Other catalogues are loaded when they are needed.
 */
export async function loadLanguage(locale: string | null): Promise<Language> {
  const known = canonical(locale);
  if (known === null) return english;
  const [language] = known.split('-');
  if (language === 'en') return { t: en, f: new Format(known) };
  if (language === 'de') return { t: (await import('./de')).de, f: new Format(known) };
  return english;
}

function canonical(locale: string | null): string | null {
  if (locale === null) return null;
  try {
    // CRMs write both `de-AT` and `de_AT`.
    return Intl.getCanonicalLocales(locale.replaceAll('_', '-'))[0] ?? null;
  } catch {
    return null;
  }
}

const LanguageContext = createContext<Language>(english);
export const LanguageProvider = LanguageContext.Provider;

/** The words and formats of the page. */
export const useLanguage = (): Language => useContext(LanguageContext);
