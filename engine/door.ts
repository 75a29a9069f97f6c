import middy from '@middy/core';
import type {
  APIGatewayProxyEventV2WithIAMAuthorizer,
  APIGatewayProxyStructuredResultV2,
  Context as LambdaContext,
} from 'aws-lambda';
import * as z from 'zod/mini';
import { json, read, type Shape } from './findings/reader.ts';
import { logOf, withRequest } from './log.ts';
import { principalOf, subjects } from './principals.ts';
import { LONGEST_REASON, type ResponseRecord } from './response.ts';
import type { Json } from './state.ts';

/** A person who asks, as IAM knows them. */
export interface Person {
  /** Of the user or of the session, which has the person's name in it where people sign in by a role. */
  readonly arn: string;
  readonly accessKey: string;
}

/** What a person asks for. */
export interface Asked<B> {
  readonly by: Person;
  /** The parts of the path that the route leaves open. */
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly body: B;
}

export type Answer = { readonly [name: string]: Json };

/** Why a person does not get what they asked for, and what they can do. */
export class Refusal extends Error {
  readonly status: 400 | 403 | 404 | 409 | 410 | 503;
  readonly todo: string;

  constructor(status: Refusal['status'], error: string, todo: string) {
    super(error);
    this.status = status;
    this.todo = todo;
  }
}

/** What is behind one route of the door. */
export type Route = (asked: Asked<string | undefined>) => Promise<Answer>;

/** A route that takes a body of a closed shape. */
export const route =
  <B>(body: Shape<B>, answer: (asked: Asked<B>) => Promise<Answer>): Route =>
  async (asked) => {
    const said = asked.body === undefined ? {} : json(asked.body);
    const { data, rejection } = said === undefined ? { rejection: 'body: is not JSON' } : read(body, said, 'body');
    if (rejection !== undefined) throw new Refusal(400, rejection, 'send what the command of this version sends');
    return answer({ ...asked, body: data as B });
  };

/** A person's own words: bounded, since they are stored and shown. */
export const words = (longest = LONGEST_REASON) =>
  z.string().check(z.trim(), z.minLength(1, 'is empty'), z.maxLength(longest, `is longer than ${longest}`));

/** Characters of a body: more than any closed shape here has, with twenty ARNs of the longest kind. */
const LONGEST_BODY = 32_768;

/**
 * Makes the handler of a function behind the HTTPS door. API Gateway lets through whom IAM lets, and says who it is; nothing
 * that the caller writes does. It answers 202 for what it took on, and `{error, do}` otherwise. Each request is one log line.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
 *
 * @param account that the function runs in: an HTTP API lets nobody in from another
 */
export function createDoor(name: string, account: string, routes: Readonly<Record<string, Route>>) {
  const logger = logOf(name);
  return middy<APIGatewayProxyEventV2WithIAMAuthorizer, APIGatewayProxyStructuredResultV2>()
    .use(withRequest(logger))
    .handler(async (event, _context: LambdaContext) => {
      const { routeKey, pathParameters: path = {}, requestContext } = event;
      const { userArn: arn, accessKey, accountId } = requestContext.authorizer.iam;
      const { id, ...named } = path;
      // A response's in `/responses/{id}/undo`, an incident's in `/incidents/{id}/notes`.
      const thing = /\/(\w+)s\/\{id\}/.exec(routeKey)?.[1] ?? 'response';
      const told = { route: routeKey, ...(id !== undefined && { [thing]: id }), ...named, by: arn };
      try {
        const known = routes[routeKey];
        if (!known) throw new Refusal(404, `there is no ${routeKey}`, 'deploy this version');
        if (accountId !== account || principalOf(arn) === undefined) {
          throw new Refusal(403, `${arn} is no IAM user or role of this account`, 'sign in as one');
        }
        const answer = await known({ by: { arn, accessKey }, path, body: bodyOf(event) });
        logger.info('done', { ...told, answer });
        return reply(202, answer);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        logger.warn('refused', { ...told, status: error.status, error: error.message });
        return reply(error.status, { error: error.message, do: error.todo });
      }
    });
}

function bodyOf({ body, isBase64Encoded }: APIGatewayProxyEventV2WithIAMAuthorizer): string | undefined {
  if (body === undefined || body === '') return undefined;
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  if (text.length > LONGEST_BODY) throw new Refusal(400, `body: is longer than ${LONGEST_BODY}`, 'send less');
  return text;
}

const reply = (statusCode: number, body: Answer): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/**
 * Whom a finding is about has no say in its responses: neither what is done, nor what is left, nor what is taken back.
 * @throws {Refusal} when that is who asks
 */
export function assertOutsider({ arn, accessKey }: Person, { finding, response }: ResponseRecord): void {
  const own = finding.resources.some(({ id }) => accessKey !== '' && id.split(/[^A-Z0-9]/).includes(accessKey));
  const principal = principalOf(arn);
  if (!own && principal !== undefined && !subjects(finding, response.target).has(principal)) return;
  throw new Refusal(403, `the finding of ${response.id} is about ${arn}`, 'ask somebody else to look at it');
}
