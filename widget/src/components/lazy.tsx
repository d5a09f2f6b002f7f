import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A component that is loaded when it is first shown, for what few viewers open. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  return function Lazy(props: P) {
    // In an object: a bare component would be taken for a function that makes the next state.
    const [loaded, setLoaded] = useState<{ readonly Part: ComponentType<P> } | null>(null);
    useEffect(() => {
      void load().then((Part) => {
        setLoaded({ Part });
      });
    }, []);
    return loaded && <loaded.Part {...props} />;
  };
}
