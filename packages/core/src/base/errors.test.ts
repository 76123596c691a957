import { describe, expect, it } from 'vitest';

import { errorCodes, SallyportError, toSallyportError } from './errors.ts';

describe('SallyportError', () => {
  it('takes status, retryability and hint from the table', () => {
    const error = new SallyportError('PROVIDER_UNKNOWN', 'There is no provider "x".');
    expect(error).toMatchObject({ name: 'SallyportError', status: 404, retryable: false, details: {} });
    expect(error.hint).toBe(errorCodes.PROVIDER_UNKNOWN.hint);
    expect(String(error)).toBe('SallyportError: There is no provider "x".');
  });

  it('lets the place that throws give a better hint, details and the cause', () => {
    const cause = new Error('below');
    const error = new SallyportError('MACHINE_FAILED', 'x', { hint: 'Do y.', details: { machineId: 'm-1' }, cause });
    expect(error).toMatchObject({ hint: 'Do y.', details: { machineId: 'm-1' }, cause });
  });

  it('has no cause where none was given', () => {
    expect(new SallyportError('INTERNAL', 'x')).not.toHaveProperty('cause');
  });

  it('is known by its brand, also from another copy of this package', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('sallyport.error')]: true });
    expect(SallyportError.isInstance(foreign)).toBe(true);
    expect([new Error('x'), null, undefined, 'x', {}].some((value) => SallyportError.isInstance(value))).toBe(false);
  });

  it('does not show its brand in JSON or in a listing of its members', () => {
    expect(JSON.stringify(Object.keys(new SallyportError('INTERNAL', 'x')))).not.toContain('brand');
  });
});

describe('toSallyportError', () => {
  it('keeps one that already is, and wraps everything else with its cause', () => {
    const known = new SallyportError('LOGIN_DENIED', 'x');
    expect(toSallyportError(known, 'INTERNAL', 'y')).toBe(known);
    expect(toSallyportError('boom', 'LOGIN_FAILED', 'y')).toMatchObject({ code: 'LOGIN_FAILED', cause: 'boom' });
  });
});

describe('the table of codes', () => {
  it.each(Object.entries(errorCodes))('%s has an HTTP error status and a hint that is a sentence', (_, facts) => {
    expect(facts.status).toBeGreaterThanOrEqual(400);
    expect(facts.status).toBeLessThan(600);
    expect(facts.hint).toMatch(/^[A-Z].*\.$/);
  });
});
