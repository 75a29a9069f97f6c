import * as z from 'zod/mini';
import { parseArn } from '../arn.ts';
import { type Finding, SEVERITIES } from './finding.ts';
import { port, portRange } from './ports.ts';
import { accountId, maybe, name, partitionOf, reader, regionalArn, shape } from './reader.ts';
import { distinct, resource } from './resources.ts';
import { scoreOf } from './severity.ts';

/** https://docs.aws.amazon.com/inspector/latest/user/eventbridge-integration.html */
const finding = shape(() =>
  z.object({
    awsAccountId: accountId,
    findingArn: regionalArn('inspector2', 'finding/'),
    type: name,
    title: z.string(),
    severity: z.enum([...SEVERITIES, 'UNTRIAGED']),
    status: z.enum(['ACTIVE', 'CLOSED', 'SUPPRESSED']),
    updatedAt: maybe(z.string()),
    lastObservedAt: maybe(z.string()),
    resources: z.array(z.object({ type: name, id: name })),
    networkReachabilityDetails: maybe(
      z.object({ openPortRange: z.object({ begin: port, end: port }), protocol: z.string() }),
    ),
  }),
);

const STATUS: Readonly<Record<z.output<ReturnType<typeof finding>>['status'], Finding['status']>> = {
  ACTIVE: 'active',
  CLOSED: 'resolved',
  SUPPRESSED: 'suppressed',
};

/** A finding of Amazon Inspector, about packages, code, or ports that the internet reaches. */
export const inspector = reader(finding, (detail, envelope) => {
  const region = parseArn(detail.findingArn)?.region ?? envelope.region;
  const place = { account: detail.awsAccountId, region, partition: partitionOf(region) };
  const severity = detail.severity === 'UNTRIAGED' ? 'INFORMATIONAL' : detail.severity;
  const reachable = detail.networkReachabilityDetails;
  return [
    {
      source: 'inspector',
      type: detail.type,
      id: detail.findingArn,
      title: detail.title,
      severity,
      score: scoreOf(severity),
      ...place,
      resources: distinct(detail.resources.map(({ type, id }) => resource(TYPES.get(type) ?? type, id, place))),
      updatedAt: time(detail.updatedAt ?? detail.lastObservedAt) ?? envelope.time,
      status: STATUS[detail.status],
      sample: false,
      requested: false,
      ...(reachable && {
        ports: [portRange(reachable.protocol, reachable.openPortRange.begin, reachable.openPortRange.end)],
      }),
      envelope,
    },
  ];
});

const TYPES: ReadonlyMap<string, string> = new Map([
  ['AWS_EC2_INSTANCE', 'AWS::EC2::Instance'],
  ['AWS_ECR_REPOSITORY', 'AWS::ECR::Repository'],
  ['AWS_ECR_CONTAINER_IMAGE', 'AWS::ECR::Image'],
  ['AWS_LAMBDA_FUNCTION', 'AWS::Lambda::Function'],
]);

const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)Z$/;
const JAVA = /^[A-Z][a-z]{2} ([A-Z][a-z]{2} \d\d) (\d\d:\d\d:\d\d(?:\.\d{1,3})?) UTC (\d{4})$/;
const LOCALE = /^([A-Z][a-z]{2} \d{1,2}), (\d{4}), (\d{1,2}:\d\d:\d\d)\s([AP]M)$/;

/** Inspector has written its times in three forms, all UTC. */
function time(text: string | null | undefined): string | undefined {
  const utc = text?.replace(ISO, '$1Z').replace(JAVA, '$1 $3 $2 UTC').replace(LOCALE, '$1 $2 $3 $4 UTC');
  const milliseconds = utc === undefined ? Number.NaN : Date.parse(utc);
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString();
}
