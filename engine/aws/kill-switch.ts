import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describeError, isTransient } from '../errors.ts';
import type { SessionConfig } from './session.ts';

/** What the parameter says when everything may run. */
export const OFF = 'off';
/** Milliseconds for which an answer holds: half of the minute within which the switch has to act. */
const CACHED_MS = 30_000;

/**
 * The kill switch: an SSM parameter. `off` lets everything run; any other text stops it, and is the reason. One that is not
 * there or may not be read stops it too: nobody can tell what was meant.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
 */
export class KillSwitch {
  readonly #session: SessionConfig;
  readonly #name: string;
  readonly #now: () => number;
  #client: SSMClient | undefined;
  #answer: { readonly until: number; readonly why: Promise<string | undefined> } | undefined;

  /** @param now milliseconds since 1970 */
  constructor(session: SessionConfig, name: string, now: () => number = Date.now) {
    this.#session = session;
    this.#name = name;
    this.#now = now;
  }

  /** Why nothing may be changed, at most half a minute old; undefined: it may. @throws what is transient */
  async stopped(): Promise<string | undefined> {
    if (this.#answer && this.#answer.until > this.#now()) return this.#answer.why;
    const why = this.#read();
    const answer = { until: this.#now() + CACHED_MS, why };
    this.#answer = answer;
    // A read that failed is no answer for the next who asks.
    why.catch(() => {
      if (this.#answer === answer) this.#answer = undefined;
    });
    return why;
  }

  async #read(): Promise<string | undefined> {
    this.#client ??= new SSMClient(this.#session);
    try {
      const { Parameter } = await this.#client.send(new GetParameterCommand({ Name: this.#name }));
      const text = Parameter?.Value?.trim();
      return text === OFF ? undefined : text || `the parameter ${this.#name} is empty`;
    } catch (error) {
      if (isTransient(error)) throw error;
      return `the parameter ${this.#name} cannot be read: ${describeError(error)}`;
    }
  }
}
