import type { Provider } from '@sallyport/core/provider';

import { credentialSupersedes, inspectCredential } from './credential-facts.ts';
import { manifest } from './manifest.ts';
import { parseOutput } from './parse-output.ts';

export { manifest } from './manifest.ts';

/** Gemini CLI, for the `providers` list of `sallyport.config.ts`. */
export const provider: Provider = {
  manifest,
  parse: parseOutput,
  inspect: inspectCredential,
  supersedes: credentialSupersedes,
};
