import { InvalidArgumentError } from 'commander';

/** Parses the value of a flag that takes a whole number in decimal digits, within bounds that are both allowed. */
export function wholeNumber(least: number, most: number): (given: string) => number {
  return (given) => {
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
