import { arnOf, idFromArn, isKnownType, type Place, parseArn } from '../arn.ts';
import type { FindingResource } from './finding.ts';

/** The type of a resource that is the whole account. */
export const ACCOUNT = 'AWS::Account';

const ACCOUNT_RESOURCE = /^(?:AWS::::Account:)?(\d{12})$/;

/**
 * The resource that a finding names by ARN or by the service's own id.
 * @returns undefined when a type that we respond about comes with an id that AWS would not give, or when the ARN lies
 * outside the finding's account and Region: acting on the same name there would be acting on something else
 */
export function resource(type: string, given: string, place: Place): FindingResource | undefined {
  if (type === ACCOUNT || type === 'AWS::::Account') {
    return ACCOUNT_RESOURCE.exec(given)?.[1] === place.account ? { type: ACCOUNT, id: place.account } : undefined;
  }
  const arn = parseArn(given);
  if (
    arn &&
    (arn.partition !== place.partition || !within(arn.account, place.account) || !within(arn.region, place.region))
  ) {
    return undefined;
  }
  const id = isKnownType(type) && arn ? idFromArn(type, given) : given;
  if (id === undefined || (isKnownType(type) && !arnOf(type, place, id))) return undefined;
  return { type, id, ...(arn && { arn: given }) };
}

/** An ARN may leave out its account or Region: then the service's API proves where the resource is. */
const within = (part: string, whole: string): boolean => part === '' || part === whole;

/** The resources that could be read, each once. */
export function distinct(resources: readonly (FindingResource | undefined)[]): readonly FindingResource[] {
  const seen = new Map<string, FindingResource>();
  for (const found of resources) {
    if (found && !seen.has(`${found.type} ${found.id}`)) seen.set(`${found.type} ${found.id}`, found);
  }
  return [...seen.values()];
}
