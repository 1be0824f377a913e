/**
 * Figures as SVG, by ECharts on the server's side: no page, no fonts but the reader's. A white ground of its own, so
 * that a dark page shows it as well. The same figure gives the same text.
 */
import { HeatmapChart, LineChart, type LineSeriesOption } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent, VisualMapComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Axis, Figure, GridTable, Line, Panel } from './figure.ts';

use([HeatmapChart, LineChart, GridComponent, LegendComponent, TitleComponent, VisualMapComponent, SVGRenderer]);

const WIDTH = 560;
const HEIGHT = 400;
/** Okabe and Ito's colours: told apart by those who see fewer, and on paper. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const BESIDE_COLOUR = '#555555';
const FONT = 'Helvetica, Arial, sans-serif';

/** Draws panels side by side, two in a row. */
export function draw(figure: Figure): string {
  const columns = Math.min(2, figure.length);
  const rows = Math.ceil(figure.length / 2);
  const [width, height] = [columns * WIDTH, rows * HEIGHT];
  const panels = figure.map((panel, i) => {
    const [x, y] = [(i % 2) * WIDTH, Math.floor(i / 2) * HEIGHT];
    return own(drawPanel(panel), i).replace('<svg ', `<svg x="${x}" y="${y}" `);
  });
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  return `${open}\n<rect width="${width}" height="${height}" fill="#ffffff"/>\n${panels.join('\n')}\n</svg>\n`;
}

function drawPanel(panel: Panel | GridTable): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption('cells' in panel ? gridOptionOf(panel) : optionOf(panel));
  const svg = chart.renderToSVGString();
  // A chart that lives keeps the process alive.
  chart.dispose();
  return svg;
}

function optionOf({ title, x, y, lines }: Panel): EChartsCoreOption {
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    textStyle: { fontFamily: FONT, color: '#222222' },
    title: titleOf(title),
    legend: {
      bottom: 6,
      left: 16,
      right: 16,
      itemWidth: 24,
      itemGap: 16,
      textStyle: { fontSize: 12, color: '#222222' },
    },
    grid: { left: 62, right: 24, top: 52, bottom: 74 + 30 * legendRows(lines) },
    xAxis: { ...axisOf(x), nameLocation: 'middle', nameGap: 28 },
    yAxis: { ...axisOf(y), nameLocation: 'middle', nameGap: 44 },
    series: lines.map((line, i) => seriesOf(line, i)),
  };
}

/** A table: a colour for each word, in alphabetical order, and its first letter. */
function gridOptionOf({ title, rows, columns, cells }: GridTable): EChartsCoreOption {
  const words = [...new Set(cells.flat())].filter(word => word !== '').sort();
  const data = cells.flatMap((row, y) => row.flatMap((word, x) => (word === '' ? [] : [[x, y, words.indexOf(word)]])));
  const pieces = words.map((word, value) => ({ value, label: word, color: COLOURS[value % COLOURS.length] }));
  const axis = { type: 'category', axisTick: { show: false }, axisLine: { show: false } };
  const axisLabel = { color: '#222222', fontSize: 10, interval: 0 };
  const formatter = ({ value }: { value: number[] }): string => /\w/.exec(words[value[2] ?? 0] ?? '')?.[0] ?? '';
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: FONT, color: '#222222' },
    title: titleOf(title),
    grid: { left: 130, right: 24, top: 44, bottom: 116 },
    xAxis: { ...axis, data: [...columns], axisLabel: { ...axisLabel, rotate: 45 } },
    yAxis: { ...axis, data: [...rows], inverse: true, axisLabel },
    visualMap: {
      type: 'piecewise',
      pieces,
      orient: 'horizontal',
      left: 16,
      bottom: 4,
      textStyle: { color: '#222222' },
    },
    series: [
      {
        type: 'heatmap',
        data,
        label: { show: true, color: '#ffffff', formatter },
        itemStyle: { borderColor: '#ffffff', borderWidth: 1 },
      },
    ],
  };
}

function titleOf(text: string): object {
  return { text, left: 16, top: 10, textStyle: { fontSize: 15, fontFamily: FONT, color: '#111111' } };
}

function axisOf({ label, scale, min, max }: Axis): object {
  return {
    type: scale === 'log' ? 'log' : 'value',
    name: label,
    nameTextStyle: { fontSize: 12, color: '#222222' },
    axisLine: { show: true, lineStyle: { color: '#444444' } },
    axisLabel: { color: '#222222', formatter: short },
    splitLine: { lineStyle: { color: '#e3e3e3' } },
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  };
}

function seriesOf({ name, of, points }: Line, i: number): LineSeriesOption {
  const isOurs = of === 'run';
  const beside = { color: BESIDE_COLOUR, type: of === 'paper' ? ([6, 4] as number[]) : ([2, 3] as number[]) };
  return {
    name,
    type: 'line',
    data: points.map(([x, y]) => [x, y]),
    symbol: isOurs ? 'circle' : of === 'paper' ? 'diamond' : 'none',
    symbolSize: isOurs ? 6 : 9,
    lineStyle: isOurs ? { width: 2 } : { width: 1.5, ...beside },
    ...(!isOurs && { itemStyle: { color: BESIDE_COLOUR } }),
    z: isOurs ? 3 + i : 2,
  };
}

/** How many rows the legend takes: names are about 7 pixels a letter beside their sign. */
function legendRows(lines: readonly Line[]): number {
  const width = lines.reduce((sum, { name }) => sum + 46 + 7 * name.length, 0);
  return Math.max(0, Math.ceil(width / (WIDTH - 32)) - 1);
}

/** 10000 -> `10 k`. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(value);
}

/** Names inside a picture that holds several are each panel's own; what would happen under a pointer goes. */
function own(svg: string, i: number): string {
  const still = svg.replaceAll(/<style.*?<\/style>\n?/gs, '').replaceAll(/ class="[^"]*"/g, '');
  return still.replaceAll(/zr\d+-/g, `p${i}-`).trim();
}
