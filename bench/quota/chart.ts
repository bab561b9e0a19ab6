import * as echarts from 'echarts'
import type { Outcome } from './outcome.js'

const WIDTH = 960
const HEIGHT = 620
/** A grey that is legible on white and on black, because a README is shown on both. */
const TEXT = '#7d8590'
const LINE = '#7d859055'
const OURS = '#2f81f7'
const OTHERS = '#a371f7'
/** The opacity of the bar of a client that lost jobs: it used the quota for a part of the work only. */
const FADED = 0.3

/** The rows of the chart: each load with strict sliding limits per second and known output. */
const PANELS: readonly { readonly row: string; readonly title: string }[] = [
  { row: 'rpm-sliding-admission', title: 'small requests, 600 RPM' },
  { row: 'chat-sliding-admission', title: 'chat, 600 RPM / 100k TPM' },
  { row: 'long-sliding-admission', title: 'long prompts, 600 RPM / 1M TPM' },
  { row: 'snapshot-sliding-admission', title: 'chat, 60 RPM / 100k TPM' },
]

/**
 * An SVG bar chart of the share of the quota that each client used, with its 429s. Bars of clients that lost jobs are
 * faded.
 */
export function chartOf(outcomes: readonly Outcome[]): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  const panels = PANELS.map((panel) => ({ ...panel, outcomes: outcomes.filter(({ row }) => row === panel.row) }))
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif', color: TEXT },
    title: [
      {
        text: 'Share of the quota used, limits per second enforced (sliding), J = 50 ms; faded: jobs were lost',
        left: 'center',
        top: 8,
        textStyle: { color: TEXT, fontSize: 15, fontWeight: 'normal' },
      },
      ...panels.map(({ title }, index) => ({
        text: title,
        left: `${25 + 50 * (index % 2)}%`,
        top: index < 2 ? 48 : 338,
        textAlign: 'center',
        textStyle: { color: TEXT, fontSize: 13 },
      })),
    ],
    grid: panels.map((_, index) => ({
      left: index % 2 === 0 ? '6%' : '56%',
      width: '40%',
      top: index < 2 ? 100 : 390,
      height: 170,
    })),
    xAxis: panels.map((panel, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: panel.outcomes.map(({ client }) => client),
      axisLabel: { color: TEXT, fontSize: 11, rotate: 30, interval: 0 },
      axisLine: { lineStyle: { color: TEXT } },
      axisTick: { show: false },
    })),
    yAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      min: 0,
      max: 1,
      axisLabel: { color: TEXT, formatter: (value: number) => `${Math.round(100 * value)} %` },
      splitLine: { lineStyle: { color: LINE } },
    })),
    series: panels.map((panel, index) => ({
      type: 'bar',
      xAxisIndex: index,
      yAxisIndex: index,
      barMaxWidth: 36,
      data: panel.outcomes.map(barOf),
    })),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}

function barOf({ client, share, done, jobs, refusals }: Outcome): object {
  const lost = done < jobs
  return {
    // A client that loses most of its jobs can use a full window at once, which is more than the rate.
    value: Number.isFinite(share) ? Math.min(1, share) : 0,
    itemStyle: { color: client === 'headgate' ? OURS : OTHERS, opacity: lost ? FADED : 1 },
    label: {
      show: true,
      position: 'top',
      color: TEXT,
      fontSize: 10,
      formatter: `${refusals.toLocaleString('en')} 429s${lost ? `\n${Math.floor((100 * done) / jobs)} % done` : ''}`,
    },
  }
}
