'use client';

import Script from 'next/script';
import { useEffect, useRef, useState } from 'react';

import type { ConnectChange, SallyportConnect } from './sallyport-connect';

export interface ConnectProps {
  /** The provider's id, such as `codex`. */
  readonly provider: string;
  /** Origin of the Sallyport server. */
  readonly server: string;
}

/** `<sallyport-connect>` with the token of the user who is signed in, and what it says of the provider. */
export function Connect({ provider, server }: ConnectProps) {
  const element = useRef<SallyportConnect>(null);
  const [change, setChange] = useState<ConnectChange>();

  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const onChange = ({ detail }: CustomEvent<ConnectChange>) => setChange(detail);
    current.addEventListener('sallyport-change', onChange);
    // Asked for again when a token has ended.
    current.token = fetchToken;
    return () => current.removeEventListener('sallyport-change', onChange);
  }, []);

  return (
    <>
      <Script type="module" src={`${server}/connect-element.js`} />
      <sallyport-connect ref={element} provider={provider} server={server} />
      <p role="status">{change && `${change.provider} is ${change.connected ? 'connected' : 'not connected'} now.`}</p>
    </>
  );
}

async function fetchToken(): Promise<string> {
  const response = await fetch('/token', { method: 'POST' });
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}
