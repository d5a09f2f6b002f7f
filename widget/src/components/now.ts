import { useEffect, useState } from 'preact/hooks';

const everyMs = 20_000;

/** The time of day, anew every twenty seconds: for ages that are written in minutes. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, []);
  // Never before something that has just arrived.
  return Math.max(now, Date.now() - everyMs);
}
