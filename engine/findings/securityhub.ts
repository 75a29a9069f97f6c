import * as z from 'zod/mini';
import { parseArn } from '../arn.ts';
import { NOTED_BY } from '../notify/messages.ts';
import { type Envelope, type Finding, SEVERITIES } from './finding.ts';
import { accountId, instant, maybe, name, partitionOf, reader, region, regionalArn, shape } from './reader.ts';
import { ACCOUNT, distinct, resource } from './resources.ts';
import { scoreOf, severityOf } from './severity.ts';

const SAMPLE = 'aws/guardduty/service/additionalInfo/sample';

/** https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html */
const asff = shape(() =>
  z.object({
    Id: name,
    ProductArn: regionalArn('securityhub', 'product/'),
    GeneratorId: name,
    AwsAccountId: accountId,
    Region: maybe(region),
    Types: maybe(z.array(z.string())),
    Title: z.string(),
    UpdatedAt: instant,
    ProcessedAt: maybe(z.string()),
    Severity: z.object({
      Label: maybe(z.enum(SEVERITIES)),
      Normalized: maybe(z.number().check(z.gte(0, 'is below 0'), z.lte(100, 'is above 100'))),
    }),
    Compliance: maybe(z.object({ Status: maybe(z.string()), SecurityControlId: maybe(z.string()) })),
    Workflow: maybe(z.object({ Status: maybe(z.string()) })),
    Note: maybe(z.object({ UpdatedBy: maybe(z.string()), UpdatedAt: maybe(z.string()) })),
    RecordState: maybe(z.string()),
    Sample: maybe(z.boolean()),
    ProductFields: maybe(z.object({ ControlId: maybe(z.string()), [SAMPLE]: maybe(z.string()) })),
    Resources: z.array(z.object({ Type: name, Id: name })),
  }),
);
type Asff = z.output<ReturnType<typeof asff>>;

const findings = shape(() => z.object({ findings: z.array(asff()).check(z.minLength(1, 'is empty')) }));

/** A finding that Security Hub imported or updated: one an event. */
export const imported = reader(findings, (detail, envelope) =>
  detail.findings.map((finding) => findingOf(finding, envelope, false)),
);

/** Findings that a person chose a custom action on: the person asked, so they are active whatever their workflow says. */
export const customAction = reader(findings, (detail, envelope) =>
  detail.findings.map((finding) => findingOf(finding, envelope, true)),
);

function findingOf(finding: Asff, envelope: Envelope, requested: boolean): Finding {
  const at = finding.Region ?? parseArn(finding.ProductArn)?.region ?? envelope.region;
  const place = { account: finding.AwsAccountId, region: at, partition: partitionOf(at) };
  const severity = finding.Severity.Label ?? severityOf((finding.Severity.Normalized ?? 0) / 10);
  return {
    source: 'securityhub',
    type: typeOf(finding),
    id: finding.Id,
    productArn: finding.ProductArn,
    title: finding.Title,
    severity,
    score: scoreOf(severity),
    ...place,
    resources: distinct(finding.Resources.map(({ Type, Id }) => resource(cloudFormationType(Type), Id, place))),
    updatedAt: finding.UpdatedAt,
    status: requested ? 'active' : statusOf(finding, envelope),
    sample: isSample(finding),
    requested,
    envelope,
  };
}

const CONTROL_ID = /^[A-Za-z][A-Za-z0-9]{0,63}\.\d{1,4}$/;

/**
 * The id of the control for a finding of Security Hub's own controls. The type of any other finding begins with its
 * product and so has a `/`: no product can take the name of a control.
 */
export function controlOr(productArn: string, control: string | null | undefined, otherwise: string): string {
  const arn = parseArn(productArn);
  const own = arn?.account === '' && /^product(?:v2)?\/aws\/securityhub$/.test(arn.resource);
  return own && control && CONTROL_ID.test(control) ? control : `${arn?.resource}/${otherwise}`;
}

const typeOf = ({ ProductArn, Compliance, ProductFields, Types, GeneratorId }: Asff): string =>
  controlOr(ProductArn, Compliance?.SecurityControlId ?? ProductFields?.ControlId, Types?.[0] ?? GeneratorId);

function statusOf(finding: Asff, { time }: Envelope): Finding['status'] {
  const { Workflow, RecordState, Compliance } = finding;
  if (Workflow?.Status === 'SUPPRESSED' || RecordState === 'ARCHIVED') return 'suppressed';
  const passed = Compliance?.Status === 'PASSED' || Compliance?.Status === 'NOT_AVAILABLE';
  if (passed || Workflow?.Status === 'RESOLVED') return 'resolved';
  return isOurNote(finding, time) ? 'noted' : 'active';
}

/** Milliseconds between a note and the event that tells of it: Security Hub may take minutes. */
const NOTE_TOLD_MS = 300_000;
/** Milliseconds that an event, whose time is in whole seconds, may seem to come before its note. */
const ROUNDING_MS = 1_000;

/**
 * Whether the event tells no more than our own note: the note is newer than all that the provider told, by the provider's clock and
 * by that of Security Hub when it took it in. Anybody who may update findings can write such a note, so it must never hide what
 * a provider tells after it. What a person does to the finding later on has an event of its own.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html
 * https://docs.aws.amazon.com/securityhub/latest/userguide/asff-top-level-attributes.html#asff-processedat
 */
function isOurNote({ Note, UpdatedAt, ProcessedAt }: Asff, eventTime: string): boolean {
  if (Note?.UpdatedBy !== NOTED_BY) return false;
  const noted = Date.parse(Note.UpdatedAt ?? '');
  const toldAfter = Date.parse(eventTime) - noted;
  return (
    noted > Math.max(Date.parse(UpdatedAt), Date.parse(ProcessedAt ?? '')) &&
    toldAfter > -ROUNDING_MS &&
    toldAfter < NOTE_TOLD_MS
  );
}

const isSample = ({ Sample, Title, ProductFields }: Asff): boolean =>
  Sample === true || Title.startsWith('[SAMPLE]') || ProductFields?.[SAMPLE] === 'true';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['AwsAccount', ACCOUNT],
  ['AwsRdsDbSnapshot', 'AWS::RDS::DBSnapshot'],
  ['AwsRdsDbClusterSnapshot', 'AWS::RDS::DBClusterSnapshot'],
  ['AwsRdsDbInstance', 'AWS::RDS::DBInstance'],
  ['AwsRdsDbCluster', 'AWS::RDS::DBCluster'],
]);

/**
 * The CloudFormation name of an ASFF resource type: `AwsEc2SecurityGroup` is `AWS::EC2::SecurityGroup`.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources.html
 */
function cloudFormationType(type: string): string {
  const [, service = '', rest = ''] = /^Aws([A-Z][a-z0-9]+)([A-Z]\w*)$/.exec(type) ?? [];
  return TYPES.get(type) ?? (rest ? `AWS::${service.length > 3 ? service : service.toUpperCase()}::${rest}` : type);
}
