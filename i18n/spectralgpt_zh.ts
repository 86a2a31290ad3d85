<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en" language="zh">
<context>
    <name>SpectralGPT</name>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} bands were chosen for {parameter}. Choose one raster band for each, or none to match them automatically.</source>
        <translation>模型“{model}”需要 {expected} 个波段，顺序为：{bands}。为 {parameter} 选择了 {given} 个。请为每个波段选择一个栅格波段，或都不选以自动匹配。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The layer &#x27;{layer}&#x27; is an image rendered by a web service, with only red, green and blue. The model &#x27;{model}&#x27; needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>图层“{layer}”是网络服务绘制的红绿蓝图片。模型“{model}”需要 {expected} 个实测波段：{bands}。请使用影像本身，例如 GeoTIFF 或来自覆盖服务 (WCS) 的影像。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Imagery</source>
        <translation>影像</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Mapping</source>
        <translation>制图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Accuracy</source>
        <translation>精度</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be at least {low:g}.</source>
        <translation>“{parameter}”（{name}）为 {value}；必须至少为 {low:g}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be between {low:g} and {high:g}.</source>
        <translation>“{parameter}”({name}) 的值为 {value}；必须介于 {low:g} 和 {high:g} 之间。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but this tool cannot write that type of file. Specify a file name that ends in {expected}.</source>
        <translation>“{parameter}”将写入“{target}”，但此工具不能写出这种文件。请指定以 {expected} 结尾的文件名。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation> 或 </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but QGIS cannot open a GeoPackage with a &#x27;;&#x27; in its name, or with a &#x27;%&#x27; followed by two digits (such as %20) in its path. Choose another name or folder.</source>
        <translation>“{parameter}”将写入“{target}”：QGIS 无法打开名称中含“;”或路径中含“%”加两位数字（例如 %20）的 GeoPackage。请换一个名称或文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. The results so far were kept.</source>
        <translation>已提前停止。到目前为止完成的内容已保留。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation>已取消。没有写入任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>The results so far were kept. To continue, run the tool again with the same settings and the same output.</source>
        <translation>已计算的内容已保留。请用相同的设置和相同的输出再次运行此工具：它将从停止处继续。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation>场景分类</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels grid cells or your own polygons with the kind of scene that a raster shows there.</source>
        <translation>根据栅格显示的内容，为网格单元或您的多边形标注场景类别。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation>场景分类,标签,标注,图块,影像块,网格,分区,地块,多边形,多标签,深度学习,人工智能,scene classification,labels,tiles,patches,grid,multi-label,deep learning,AI,EuroSAT,Sentinel-2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Determines what kind of scene each place shows, such as a residential area, a highway or annual crops. Each cell or polygon gets one label as a whole; to classify individual pixels, use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 uses the size that the model was trained on, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter out uncertain ones. Below about 60, the second-best label was close. A multi-label model assigns every label above its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation>&lt;p&gt;判断每个位置是哪一类场景，例如居民区、公路或一年生作物。一个标签对应整个网格单元或多边形；若需要每个像元的类别，请使用“土地覆盖制图”。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;栅格&lt;/b&gt;：多光谱影像，所有波段在同一图层中。&lt;br&gt;&lt;b&gt;分区&lt;/b&gt;：要标注的多边形，例如地块。没有分区时，将在栅格上铺设网格。&lt;br&gt;&lt;b&gt;单元大小&lt;/b&gt;：网格单元的边长，以地图单位表示；0 表示采用模型学习时的大小，通常效果最好。&lt;br&gt;&lt;b&gt;波段&lt;/b&gt;：留空则按名称或波长匹配。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;场景分类结果&lt;/b&gt;：多边形，带有标签 (class_name)、以百分比表示的置信度以及每个类别的概率 (prob_...)，便于筛选出存疑的结果。低于约 60 时，排第二的标签与之接近。多标签模型给出所有超过其阈值的标签；颜色为概率最高的标签的颜色。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own size)</source>
        <translation>单元大小（0 = 模型自身的大小）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Raster</source>
        <translation>栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Bands in the model&#x27;s order (empty = automatic)</source>
        <translation>按模型顺序的波段（空 = 自动）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Zones to label (instead of a grid)</source>
        <translation>要标注的分区（代替网格）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Limit to these polygons (mask)</source>
        <translation>限制在这些多边形内（掩膜）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labelled scenes</source>
        <translation>场景分类结果</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Scenes labelled</source>
        <translation>已分类的场景数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Detect change</source>
        <translation>变化检测</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Maps the changes between two multispectral rasters of the same place.</source>
        <translation>绘制同一地点两幅多光谱栅格之间的变化图。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation>变化检测,差异,变化前,变化后,两个日期,双时相,监测,深度学习,人工智能,建设,城市,change detection,difference,before,after,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change depends on the model: the included one detects construction, ignores seasons and crops, and mostly misses rising or falling water.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is resampled to the grid of the first. Choose cloud-free dates, if possible from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: pixels count as changed from this probability on. Leave it empty to use the threshold of the model; raise it if too much is marked as changed, lower it if changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; removes smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are the most certain. Where values are close to the threshold, compare the two images yourself.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;绘制两个日期之间地面发生变化的地图。什么算作变化由模型决定：随插件提供的模型寻找建设活动，忽略季节和作物的变化，并且大多检测不到水位的涨落。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;变化前&lt;/b&gt;和&lt;b&gt;变化后&lt;/b&gt;：同一地点的两幅多光谱栅格。它们的网格、像元大小和坐标系可以不同：第二幅会被对齐到第一幅的网格。请选择无云的日期，并尽可能选择同一季节。&lt;br&gt;&lt;b&gt;阈值&lt;/b&gt;：像元被视为已变化的概率下限。留空则使用模型自身的阈值；标记过多时调高，遗漏变化时调低。&lt;br&gt;&lt;b&gt;最小面积&lt;/b&gt;会去除更小的变化。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;变化图&lt;/b&gt;：0 表示未变化，1 表示已变化，与第一幅栅格的网格一致。&lt;br&gt;&lt;b&gt;变化概率&lt;/b&gt;从 0 到 1：深色区域较为确定。接近阈值的值，值得对照两幅影像查看。&lt;br&gt;变化区域的&lt;b&gt;多边形&lt;/b&gt;，以及&lt;b&gt;面积&lt;/b&gt;表，面积在椭球体上量算。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster before</source>
        <translation>变化前栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster after</source>
        <translation>变化后栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Bands of the raster after, if different</source>
        <translation>变化后栅格的波段（如有不同）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation>阈值（0 到 1，未设置 = 模型自身的阈值）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Pixels count as changed from this probability on.</source>
        <translation>像元被视为已变化的概率下限。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Minimum area of a change (m²)</source>
        <translation>变化的最小面积 (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change map</source>
        <translation>变化图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Probability of change</source>
        <translation>变化概率</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change polygons</source>
        <translation>变化多边形</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Area of change</source>
        <translation>变化面积</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold used</source>
        <translation>所用阈值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Changed area (m²)</source>
        <translation>变化面积 (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Both dates are the same raster &#x27;{}&#x27;, so no change can be detected. Choose the raster of the second date (AFTER).</source>
        <translation>两个日期都是栅格“{}”，其中不可能有变化。请选择第二个日期的栅格 (AFTER)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The rasters &#x27;{before}&#x27; and &#x27;{after}&#x27; do not overlap, so there is nothing to compare. Choose two rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS).</source>
        <translation>栅格“{before}”和“{after}”没有重叠，因此没有可比较的内容。请选择同一地点的两幅栅格，或更正其中一幅的坐标系（右键单击，图层CRS）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>分类图精度评价</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is known.</source>
        <translation>根据已知真实情况的位置，评价分类图或模型的好坏，并给出置信区间。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation>精度评价,精度验证,混淆矩阵,误差矩阵,Kappa 系数,总体精度,用户精度,生产者精度,面积估计,accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places whose true class you know. The result shows how much of the map is correct, which classes are confused, and how reliable these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample represents the whole map and gives areas corrected for the errors of the map. You can also use polygons that you chose yourself, but their figures apply only to these places. Never use the labels that the model was trained on.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, if you choose a &lt;b&gt;model&lt;/b&gt;, the image to map with it.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; gives all samples the same weight; &lt;i&gt;auto&lt;/i&gt; uses stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence level&lt;/b&gt; of the intervals: at 95, nineteen out of twenty such intervals contain the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also available as numbers in the Model Designer. Overall accuracy is misleading if one class covers most of the map: check each class in the report.&lt;/p&gt;</source>
        <translation>&lt;p&gt;将分类图与您知道真实情况的位置进行比较：有多少正确、哪些类别被混淆，以及这些数字有多可靠。&lt;/p&gt;&lt;h3&gt;先收集什么&lt;/h3&gt;&lt;p&gt;用“从分类图抽取样本点”抽取点，并填写其字段 &lt;i&gt;reference&lt;/i&gt;。只有这样的随机样本才能代表整幅分类图，并给出针对分类误差校正后的面积。您自己挑选的多边形也可以使用，但只能说明这些位置的情况。切勿使用训练模型时用过的标注：模型已经知道它们。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;地图&lt;/b&gt;：分类图；或者，当您选择了&lt;b&gt;模型&lt;/b&gt;时，为该模型要制图的影像。&lt;br&gt;&lt;b&gt;参考&lt;/b&gt;：点、多边形或类别栅格，任何坐标系均可。&lt;br&gt;&lt;b&gt;字段&lt;/b&gt;：真实类别，以分类图类别的名称或值表示。&lt;br&gt;&lt;b&gt;抽样设计&lt;/b&gt;：参考数据的抽取方式。&lt;i&gt;stratified&lt;/i&gt;（分层）按每个类别在分类图中的面积加权；&lt;i&gt;simple&lt;/i&gt;（简单）对所有样本同等计数；&lt;i&gt;auto&lt;/i&gt;（自动）对用本插件抽取的样本采用分层。&lt;br&gt;&lt;b&gt;置信水平&lt;/b&gt;：区间的置信水平。为 95 时，二十个这样的区间中有十九个包含真值。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;报告&lt;/b&gt;：包含所有数字的页面，可阅读或打印。&lt;br&gt;&lt;b&gt;表&lt;/b&gt;：混淆矩阵；行为真实类别，列为分类结果。&lt;br&gt;主要数字也以数值形式输出，可供图形建模器中的模型使用。当一个类别占据分类图的大部分时，总体精度会产生误导：请查看报告中的每个类别。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or the raster to map if a model is chosen</source>
        <translation>分类图；若选择了模型，则为要制图的栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Reference: points, polygons or a class raster</source>
        <translation>参考：点、多边形或类别栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>How the reference was drawn</source>
        <translation>参考数据的抽取方式</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>stratified: at random within each class of the map. simple: in any other way.</source>
        <translation>stratified（分层）：在分类图的每个类别内随机抽取。simple（简单）：以其他任何方式抽取。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confidence level of the intervals (percent)</source>
        <translation>区间的置信水平（百分比）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>If a model is chosen: bands in its order (empty = automatic)</source>
        <translation>使用模型时：按其顺序的波段（空 = 自动）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confusion matrix</source>
        <translation>混淆矩阵</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy</source>
        <translation>总体精度</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, lower limit of the interval</source>
        <translation>总体精度，区间下限</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper limit of the interval</source>
        <translation>总体精度，区间上限</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Kappa</source>
        <translation>Kappa 系数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean intersection over union</source>
        <translation>平均交并比</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean F1 of the classes</source>
        <translation>各类别的平均 F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Places compared</source>
        <translation>已比较的位置数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, area-weighted</source>
        <translation>按面积加权的总体精度</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, lower limit of the interval</source>
        <translation>按面积加权的精度，区间下限</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, upper limit of the interval</source>
        <translation>按面积加权的精度，区间上限</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Export model</source>
        <translation>导出模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights.</source>
        <translation>将模型写成文件供其他地方使用：ONNX、用于 Deepness 的 ONNX 或权重。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>model,export,share,ONNX,safetensors,Deepness,weights,convert</source>
        <translation>模型,导出,共享,权重,转换,model,export,share,ONNX,safetensors,Deepness,weights,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>&lt;p&gt;Writes a model as one file for use elsewhere.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: for ONNX Runtime and for this plugin on another computer. The file carries the model&#x27;s card: its bands with wavelengths, its scaling, its classes with colours, its accuracy and its licence. A model that only has weights is converted to a graph, which is compared with the original.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: for the QGIS plugin Deepness. Values must be reflectance x 10000 and bands in the model&#x27;s order; scene labels become maps with one class per window; for change detection, stack the bands of both dates. The result is compared with the model before it is saved.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: the weights, for further training; only for models that have them.&lt;/p&gt;&lt;p&gt;To create a file for Deepness, or a graph from weights, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine). Observe the licence of the model if you share it.&lt;/p&gt;</source>
        <translation>&lt;p&gt;将模型写成一个文件，供其他地方使用。&lt;/p&gt;&lt;h3&gt;格式&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;：用于 ONNX Runtime，以及另一台计算机上的本插件。文件中带有模型卡片：波段及其波长、缩放方式、类别及颜色、精度和许可证。目前只有权重的模型会被转换为计算图，并与权重进行比较。&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;：用于 QGIS 插件 Deepness。值必须为反射率 x 10000，波段按模型的顺序排列；场景会变为在整个窗口内相同的地图；对于变化检测，两个日期的波段叠加为一组。写出之前会与模型进行比较。&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;：用于训练的权重；仅适用于带有权重的模型。&lt;/p&gt;&lt;p&gt;生成用于 Deepness 的文件以及由权重生成计算图，需要引擎的训练库（SpectralGPT &gt; 引擎）。转交模型时请注意其许可证。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains weights for further training.</source>
        <translation>onnx 带有模型卡片；deepness 用于同名的 QGIS 插件；safetensors 为用于训练的权重。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Exported model</source>
        <translation>导出的模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>ONNX model (*.onnx);;Model to train from (*.safetensors)</source>
        <translation>ONNX 模型 (*.onnx);;用于训练的模型 (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Largest difference in a probability</source>
        <translation>概率的最大差异</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Choose a model: the name of an installed model, or a model file.</source>
        <translation>请选择模型：已安装模型的名称，或模型文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>The format &#x27;{format}&#x27; needs a file that ends in {ending}, but the output is &#x27;{output}&#x27;. Change one of them.</source>
        <translation>格式“{format}”的文件以 {ending} 结尾，而输出为“{output}”。请更改其中之一。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>There is no model &#x27;{name}&#x27;. Choose one of these: {known}; or a model file.</source>
        <translation>没有模型“{name}”。请选择以下之一：{known}；或选择文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation>用标注训练模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Trains a model of your own from a few polygons, points or a class raster.</source>
        <translation>用少量多边形、点或一幅类别栅格制作您自己的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation>训练,微调,学习,样本,感兴趣区,多边形,标注,小样本,分类,语义分割,变化检测,随机森林,深度学习,人工智能,基础模型,迁移学习,train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Trains a model on your own classes, so that you can map them in other places. It starts from a backbone that was pretrained on multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Create a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on an area that clearly belongs to this class. Include areas that are easily confused, and one class for &#x27;everything else&#x27;. Areas that you do not label are ignored; they do not count as background. If the polygons are spread out, the tool can also measure the accuracy on areas that the model has not seen.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images of the labelled areas. Several images can share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits are included. The model takes over the colours and names of the layer&#x27;s classes.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, with one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; assigns a class to every pixel; &lt;i&gt;scenes&lt;/i&gt; assigns one label to a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, using labels for changed and unchanged areas.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone unchanged and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes a small part of its weights; &lt;i&gt;full&lt;/i&gt; changes all of them and needs many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by the number of labels and your computer, and explains why.&lt;br&gt;&lt;b&gt;Where the model will be used&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it robust to other dates, light and haze; &lt;i&gt;here&lt;/i&gt; is slightly better on these rasters, but may fail on others.&lt;br&gt;&lt;b&gt;Epochs&lt;/b&gt;: how many times the training passes through the labels; with 0, it stops automatically.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the suggested folder it is installed immediately, and the mapping tools list it by its name. A file for further training is written next to it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the accuracy on held-back labels for each class, and how to repeat the training.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;向模型展示您的类别是什么样子，并制作一个能在其他地方绘制这些类别的模型。训练从一个已经了解多光谱影像的主干网络开始，因此少量标注就足够。&lt;/p&gt;&lt;h3&gt;先绘制什么&lt;/h3&gt;&lt;p&gt;创建一个多边形图层，并带有表示类别的字段。为&lt;b&gt;每个&lt;/b&gt;类别在不同位置绘制三到十个小多边形，每个都画在确定属于该类别的地面上。请包括容易混淆的地物，并为“其他一切”设一个类别。未标注的地方会被忽略，不算作背景。彼此分开的多边形还能让工具在模型未学习过的地面上评价模型。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;栅格&lt;/b&gt;：含有标注地面的影像。多幅影像可以共用一个标注图层。&lt;br&gt;&lt;b&gt;标注&lt;/b&gt;：多边形、点或类别栅格，任何坐标系均可。未保存的编辑也计入。图层中类别的颜色和名称会成为模型的颜色和名称。&lt;br&gt;&lt;b&gt;字段&lt;/b&gt;：文本或整数，每个类别一个值。&lt;br&gt;&lt;b&gt;任务&lt;/b&gt;：&lt;i&gt;segmentation&lt;/i&gt;（语义分割）为每个像元学习一个类别；&lt;i&gt;scenes&lt;/i&gt;（场景分类）为整个多边形学习一个标签；&lt;i&gt;change&lt;/i&gt;（变化检测）将栅格与第二个日期的栅格进行比较，标注说明哪里发生了变化、哪里没有变化。&lt;br&gt;&lt;b&gt;方法&lt;/b&gt;：&lt;i&gt;quick&lt;/i&gt;（快速）保持主干网络不变，只需几秒；&lt;i&gt;adapters&lt;/i&gt;（适配器）改变其少量权重；&lt;i&gt;full&lt;/i&gt;（完整）改变全部权重，需要大量标注和 GPU。&lt;i&gt;auto&lt;/i&gt;（自动）根据您的标注和计算机来决定，并说明原因。&lt;br&gt;&lt;b&gt;模型的适用地点&lt;/b&gt;：&lt;i&gt;anywhere&lt;/i&gt;（任何地方）使模型能适应其他日期、其他光照和霾；&lt;i&gt;here&lt;/i&gt;（此处）在这些栅格上稍好一些，但在其他栅格上可能失效。&lt;br&gt;&lt;b&gt;轮数&lt;/b&gt;：遍历标注的次数；0 表示自动停止。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;模型&lt;/b&gt;：保存在建议的文件夹中时会立即安装，制图工具会按名称列出它。旁边还会写入一个可继续训练的文件。&lt;br&gt;&lt;b&gt;报告&lt;/b&gt;：模型在留出的标注上的好坏，逐类列出，以及如何重新制作该模型。&lt;/p&gt;&lt;p&gt;需要引擎的训练库（SpectralGPT &gt; 引擎）。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Name of the model</source>
        <translation>模型名称</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method used</source>
        <translation>所用方法</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Classes</source>
        <translation>类别</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters</source>
        <translation>栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels: polygons, points or a class raster</source>
        <translation>标注：多边形、点或类别栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Task of the model</source>
        <translation>模型要完成的任务</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A class for every pixel, a label for a whole polygon, or change between two dates.</source>
        <translation>每个像元一个类别、整个多边形一个标签，或两个日期之间的变化。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of the second date (for change only)</source>
        <translation>第二个日期的栅格（仅用于变化检测）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model to start from</source>
        <translation>起始模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method</source>
        <translation>方法</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>auto decides by the number of labels and the computer. quick trains only a last layer and takes seconds; adapters also trains a small part of the model; full trains all of it and takes longest.</source>
        <translation>auto 根据标注数量和计算机来决定。quick 保持模型不变，只训练最后一步，只需几秒；adapters 让模型的一小部分一起学习；full 让整个模型学习，耗时最长。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model will be used</source>
        <translation>模型的适用地点</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes the model robust to other dates, light and haze. here is slightly better on these rasters, but may fail on others.</source>
        <translation>anywhere（任何地方）使模型能适应其他日期、其他光照和霾。here（此处）在这些栅格上稍好一些，但在其他栅格上可能失效。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Epochs (0 = automatic)</source>
        <translation>遍历标注的轮数（0 = 自动）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, if different</source>
        <translation>第二个日期的波段（如有不同）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels held back for validation (percent)</source>
        <translation>留出用于评价的标注（百分比）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that accuracy is measured on areas that the model has not seen. With 0, all labels are used for training, and the accuracy is not measured.</source>
        <translation>相邻的标注会成组留出，使模型在别处接受评价。0 表示用全部标注学习，无法说明模型的好坏。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation>一个场景可以有多个标签</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then contains several labels separated by ; or , or as a list.</source>
        <translation>用于场景分类：此时字段中的标签以 ; 或 , 分隔，或为列表。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models for mapping (*.onnx)</source>
        <translation>用于预测的模型 (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>No training data was specified. Choose the rasters with the labelled areas.</source>
        <translation>没有可学习的内容。请选择含有标注地面的栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation>变化要从两个日期学习：请给出第二个日期的栅格 (AFTER)，与第一个日期的栅格一一对应，顺序相同。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one of the second date for each of the first, in the same order.</source>
        <translation>第一个日期有 {before} 幅栅格 (INPUT)，第二个日期有 {after} 幅 (AFTER)。请为第一个日期的每幅栅格给出一幅第二个日期的栅格，顺序相同。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were specified, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation>给出了第二个日期的栅格 (AFTER)，但任务是“{task}”。请选择任务“change”（变化检测），或将第二个日期留空。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are only possible for whole scenes, but the task is &#x27;{}&#x27;. Untick this option, or choose the task &#x27;scenes&#x27;.</source>
        <translation>多个标签 (MULTILABEL) 用于整个场景，但任务是“{}”。请取消勾选，或选择任务“scenes”（场景分类）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes need polygons or points with one label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
        <translation>场景要从各带一个标签的多边形或点学习，但“{}”是栅格。请选择矢量图层，或选择任务“segmentation”（语义分割）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Land-cover map&#x27;</source>
        <translation>“土地覆盖制图”</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Label scenes&#x27;</source>
        <translation>“场景分类”</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Detect change&#x27;</source>
        <translation>“变化检测”</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Import model</source>
        <translation>导入模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Turns a published SpectralGPT checkpoint into a model for this plugin.</source>
        <translation>将已发布的 SpectralGPT 权重文件转换为本插件的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</source>
        <translation>模型,权重文件,检查点,权重,导入,转换,model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>&lt;p&gt;Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. Only the weights in the file are read: no code in it is executed, and files with any other content are rejected.&lt;/p&gt;&lt;p&gt;A model made with this plugin on another computer (.onnx, .safetensors) is checked and copied.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file for training, or an .onnx file for mapping. In the model folder of the plugin it appears in the list of models; in any other folder, specify its path as the model.&lt;/p&gt;&lt;p&gt;To import a checkpoint, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;将已发布的 SpectralGPT 权重文件（SpectralGPT.pth、SpectralGPT+.pth，或为语义分割或变化检测微调过的文件）转换为本插件的模型文件。文件只作为数字读取：其中的任何内容都不会被执行，含有其他内容的文件会被拒绝。&lt;/p&gt;&lt;p&gt;本插件在另一台计算机上制作的模型（.onnx、.safetensors）会经过检查并复制。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;模型&lt;/b&gt;：用于训练的 .safetensors 文件，或用于制图的 .onnx 文件。写入插件的模型文件夹时，它会出现在模型列表中；写在其他位置时，请以其路径作为模型。&lt;/p&gt;&lt;p&gt;权重文件需要引擎的训练库（SpectralGPT &gt; 引擎）。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation>权重文件</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)</source>
        <translation>权重文件和模型 (*.pth *.pt *.ckpt *.onnx *.safetensors);;所有文件 (*.*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Content of the file</source>
        <translation>文件包含的内容</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto detects it from the file.</source>
        <translation>auto（自动）会查看文件内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Leave empty to use the name of the file.</source>
        <translation>留空则采用文件名。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model for mapping (*.onnx)</source>
        <translation>用于训练的模型 (*.safetensors);;用于预测的模型 (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Purpose of the model</source>
        <translation>用途</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the file that you downloaded.</source>
        <translation>没有权重文件“{}”。请选择下载的文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>A model is imported without conversion, so the output must end in {ending}, like &#x27;{given}&#x27;.</source>
        <translation>模型按原样导入：输出必须以 {ending} 结尾，与“{given}”一样。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; cannot be passed to the engine, which would treat them as classes. Set them in the file instead.</source>
        <translation>引擎不知道“{}”的附加无数据值，会把它们当作类别。请改为在文件中设置这些值。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer with polygons or points, or a class raster.</source>
        <translation>图层“{}”既没有多边形也没有点。请选择多边形图层、点图层或类别栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that contains the class of each feature. Available fields: {fields}.</source>
        <translation>请选择“{layer}”中包含每个要素类别的字段。其字段有：{fields}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Available fields: {fields}.</source>
        <translation>图层“{layer}”没有字段“{field}”。其字段有：{fields}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>No features are selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation>“{}”中没有选中任何要素。请选择要使用的要素，或取消勾选“仅选中的要素”。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The labels &#x27;{layer}&#x27; have only one class: &#x27;{label}&#x27;. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>标注“{layer}”只有一个类别：“{label}”。请将不属于该类别的地方也加以标注，例如标为“其他”。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>文件“{file}”({name}) 无法作为栅格打开：文件已损坏、未完整复制，或 QGIS 无法读取该类型。请重新复制或下载。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>文件“{file}”({name}) 无法作为图层打开：文件已损坏、未完整复制，或 QGIS 无法读取该类型。请重新复制或下载。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Open satellite product</source>
        <translation>打开卫星产品</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked.</source>
        <translation>将 Sentinel-2、Landsat 或 HLS 产品作为一个栅格打开，并掩膜云。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,QA_PIXEL,reflectance,import</source>
        <translation>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,波段,叠加,虚拟栅格,VRT,云,云掩膜,SCL,QA_PIXEL,反射率,导入</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>&lt;p&gt;Opens a satellite product as it was downloaded, and combines it into one raster for the other tools, with named bands, values as reflectance, and masked clouds. No pixels are copied: the raster is a small file that refers to the product, so keep the product where it is.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Product&lt;/b&gt;: any file of the product, or its archive: Sentinel-2 Level-2A or Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 (folder). Scripts can also pass the folder.&lt;br&gt;&lt;b&gt;Pixel size&lt;/b&gt;: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for Landsat and HLS. Coarser bands are repeated, finer ones averaged.&lt;br&gt;&lt;b&gt;Mask clouds&lt;/b&gt;: clouds, their shadows and cirrus become no-data, based on the layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the result.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a virtual raster (.vrt), shown in natural colours; the mask is written beside it. Thermal, panchromatic and quality bands are left out.&lt;/p&gt;</source>
        <translation>&lt;p&gt;按下载时的原样打开卫星产品，并将其合成一个供其他工具使用的栅格：包含所有带名称的波段，数值为反射率，云已掩膜。不复制像元：该栅格是引用产品的小文件，因此请勿移动产品。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;产品&lt;/b&gt;：产品的任意文件或其压缩包：Sentinel-2 Level-2A 或 Level-1C（.SAFE 文件夹或 .zip）、Landsat Collection 2（文件夹或 .tar）、HLS 第 2 版（文件夹）。脚本也可给出文件夹。&lt;br&gt;&lt;b&gt;像元大小&lt;/b&gt;：0 表示采用产品最精细的大小：Sentinel-2 为 10 m，Landsat 和 HLS 为 30 m。较粗的波段按像元重复，较细的取平均。&lt;br&gt;&lt;b&gt;掩膜云&lt;/b&gt;：根据产品附带的图层（SCL、MSK_CLASSI、QA_PIXEL 或 Fmask），云、云影和卷云变为无数据。它会漏掉薄云，有时会把明亮的屋顶或雪当作云：请检查结果。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;栅格&lt;/b&gt;：以自然色显示的虚拟栅格（.vrt）；掩膜写在其旁边。热红外、全色和质量波段不包括在内。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product (any of its files, or its archive)</source>
        <translation>产品（其任意文件或压缩包）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)</source>
        <translation>卫星产品 (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;所有文件 (*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Pixel size in metres (0 = the finest)</source>
        <translation>像元大小（米，0 = 最精细）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m.</source>
        <translation>Sentinel-2 有 10、20 和 60 m 波段；Landsat 和 HLS 为 30 m。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Mask clouds and their shadows</source>
        <translation>掩膜云及其阴影</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Masked (percent; -1 without a mask)</source>
        <translation>已掩膜（百分比；无掩膜为 -1）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product</source>
        <translation>产品</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Date</source>
        <translation>日期</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise choose one raster band for each band of the model, in the model&#x27;s order.</source>
        <translation>留空则按名称、描述或波长匹配波段。否则请按模型的顺序，为模型的每个波段选择一个栅格波段。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx).</source>
        <translation>已安装模型的名称，或模型文件 (.onnx) 的路径。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx or .safetensors).</source>
        <translation>已安装模型的名称，或模型文件（.onnx 或 .safetensors）的路径。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Limit to this extent</source>
        <translation>限制在此范围内</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is processed. Leave empty for the whole raster.</source>
        <translation>只计算此矩形。留空表示整幅栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processing device</source>
        <translation>计算设备</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used.</source>
        <translation>auto（自动）在 GPU 通过检查时使用 GPU，否则使用处理器。日志会说明所用的设备。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap between windows (percent)</source>
        <translation>窗口重叠（百分比）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A larger overlap gives smoother transitions between windows, but takes longer.</source>
        <translation>重叠越大，窗口之间的过渡越平滑，所需时间也越长。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
        <translation>处理器线程数（0 = 全部）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>First show a quick look at the current map view</source>
        <translation>先显示地图视图的快速预览</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A coarse map of the current view appears after a few seconds, while the full result is being computed. It is removed when the run ends.</source>
        <translation>几秒钟后显示视图的粗略地图，同时计算完整地图。运行结束时将其移除。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Write Cloud Optimized GeoTIFFs</source>
        <translation>写出云优化 GeoTIFF (COG)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>CSV table (*.csv)</source>
        <translation>CSV 表 (*.csv)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pretrain backbone</source>
        <translation>预训练主干网络</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Trains a backbone of your own from imagery alone, without labels.</source>
        <translation>仅用影像、无需任何标注，制作您自己的主干网络。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation>预训练,主干网络,基础模型,自监督,掩码自编码器,无标注,影像,深度学习,人工智能,pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Trains a model from imagery alone: most of each image is masked, and the model learns to reconstruct it. The result is a backbone, from which &#x27;Train model from labels&#x27; creates models for your classes. You do not need this for ordinary work, as the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a kind that the included backbone was not trained on, and a GPU or plenty of time.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data pixels are never used.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to continue training, which is quickest, or a network size to start from random weights: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the stages depend on the amount of imagery.&lt;br&gt;&lt;b&gt;Masked share&lt;/b&gt;: how much of each image is masked; SpectralGPT was trained with 0.9.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is saved there. After an interruption, run the tool again with the same values to continue.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the suggested folder it is installed immediately.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the loss curves, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked image, its reconstruction by the model, and the error. A good backbone reconstructs fields, roads and shorelines in the right places.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;让模型仅从影像中学习：每幅图像的大部分被遮蔽，模型学习将其补全。得到的是一个主干网络，“用标注训练模型”可由它制作用于您的类别的模型。日常工作不需要这一步：插件已随附一个主干网络。当您拥有大量随附主干网络未见过的影像，并且有 GPU 或足够的耐心时，它才值得使用。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;栅格&lt;/b&gt;和&lt;b&gt;文件夹&lt;/b&gt;：多个地点和日期、少云的影像。无需绘制任何内容。影像尺寸、区域和像元大小可以不同；永远不会从无数据的像元学习。&lt;br&gt;&lt;b&gt;起始&lt;/b&gt;：要继续训练的主干网络（最快），或从头开始时的规模：tiny 和 small 适合处理器，base 及更大的适合 GPU。&lt;br&gt;&lt;b&gt;阶段&lt;/b&gt;：先用小窗口，再用大窗口。每个阶段为 窗口:轮数，之后可按需加上 :学习率、:遮蔽比例 和栅格名称的 :模式，阶段之间以 ; 分隔，例如 64:20:1e-3; 128:10:5e-4。留空则根据影像数量选择。&lt;br&gt;&lt;b&gt;遮蔽比例&lt;/b&gt;：每幅图像被遮蔽的比例；SpectralGPT 采用的是 0.9。&lt;br&gt;&lt;b&gt;用于恢复的文件夹&lt;/b&gt;：进度保存在其中。停止后用相同的值再次运行此工具，它会从停止处继续。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;主干网络&lt;/b&gt;：保存在建议的文件夹中时会立即安装。&lt;br&gt;&lt;b&gt;报告&lt;/b&gt;：损失曲线、数据和设置。&lt;br&gt;&lt;b&gt;重建&lt;/b&gt;：包含被遮蔽的图像、模型的补全结果和误差的栅格。好的主干网络能在正确的位置画出田块、道路和岸线。&lt;/p&gt;&lt;p&gt;需要引擎的训练库（SpectralGPT &gt; 引擎）。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Final loss</source>
        <translation>最终损失</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation>栅格文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in this folder are used, in addition to those chosen above.</source>
        <translation>除上面选择的栅格外，还使用其中的所有栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from a backbone, or a network size</source>
        <translation>起始：主干网络或规模</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation>阶段（空 = 自动）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;</source>
        <translation>窗口:轮数[:学习率[:遮蔽比例[:模式]]]，以 ; 分隔</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Masked share of each image (0.1 to 0.99)</source>
        <translation>每幅图像的遮蔽比例（0.1 到 0.99）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Epochs of every stage (0 = as specified in the stages)</source>
        <translation>每个阶段的轮数（0 = 按阶段中的设置）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Batch size (0 = depending on memory)</source>
        <translation>每批图像数（0 = 根据内存）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps per epoch (0 = depending on the amount of imagery)</source>
        <translation>每轮步数（0 = 根据影像数量）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Loss function</source>
        <translation>模型的评判依据</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token was used for the published weights; the others also take the shape of the spectrum into account.</source>
        <translation>token 是已发布权重所采用的方式；其他选项还加入光谱的形状。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Position embedding when the window size changes</source>
        <translation>从一个窗口大小到下一个时的位置编码</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts again, as in the published method.</source>
        <translation>interpolate（插值）保留已学到的内容；drop（丢弃）重新开始学习，与发布时一致。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation>用于恢复的文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is saved there, and an interrupted run continues from it.</source>
        <translation>进度保存在其中；已停止的运行会从这里继续。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Backbone</source>
        <translation>主干网络</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Models to train from (*.safetensors)</source>
        <translation>用于训练的模型 (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Reconstruction</source>
        <translation>重建</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another folder.</source>
        <translation>没有包含栅格的文件夹“{}”。请另选一个。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>No training data was specified. Choose rasters, or a folder of rasters.</source>
        <translation>没有可学习的内容。请选择栅格，或栅格文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;.</source>
        <translation>无法理解阶段“{stage}”。请将每个阶段写成 窗口:轮数[:学习率[:遮蔽比例[:模式]]]，例如 64:20:1e-3，阶段之间以 ; 分隔。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&#x27;Train model from labels&#x27;</source>
        <translation>“用标注训练模型”</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows computed</source>
        <translation>已计算的窗口数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows skipped</source>
        <translation>已跳过的窗口数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Classes found</source>
        <translation>发现的类别</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Device used</source>
        <translation>计算所用设备</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed model, or a model file (.onnx).</source>
        <translation>请选择模型：已安装模型的名称，或模型文件 (.onnx)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model for training. Choose its .onnx file, which makes predictions.</source>
        <translation>“{}”是用于训练的模型。请选择可用于预测的对应 .onnx 文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is not a model file: its name must end in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation>“{}”不是模型文件：应为以 .onnx 结尾的文件。其他格式请用“导入模型”导入。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or an installed model: {fitting}.</source>
        <translation>没有模型文件“{name}”。请另选一个，或选择已安装的模型：{fitting}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose a model for this tool: {fitting}.</source>
        <translation>模型“{name}”用于{task}。请选择适合此工具的模型：{fitting}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or specify the path of a model file.</source>
        <translation>没有已安装的模型“{name}”。请选择以下之一：{fitting}；或给出模型文件的路径。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>No quick look: there is no map view to show it in.</source>
        <translation>无快速预览：没有可显示它的地图。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole raster.</source>
        <translation>范围为空：其宽度或高度为 0。请重新绘制，或留空以使用整幅栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>land-cover maps</source>
        <translation>土地覆盖制图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>scene classification</source>
        <translation>场景分类</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change detection</source>
        <translation>两个日期之间的变化检测</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>fine-tuning</source>
        <translation>微调</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be opened. Check its source, or remove it and add it again.</source>
        <translation>图层“{}”无法打开。请检查其数据源，或将其移除后重新添加。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The extent does not intersect the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation>该范围未触及图层“{}”。请在图层上绘制范围，或留空。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a web service without a fixed size. If the tool has an extent parameter, set it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>图层“{}”是没有自身尺寸的服务。如果工具有范围设置，请将范围设为所需的区域，或将该区域保存为 GeoTIFF（右键单击，导出，另存为）并使用该文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is a service without a size of its own: it is read at {metres:g} m on the ground, there {across:.6g} x {down:.6g} units of {crs}.</source>
        <translation>图层“{name}”是没有自身大小的服务：按地面 {metres:g} 米读取，在该处为 {across:.6g} x {down:.6g} 个 {crs} 单位。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it has to be copied first: {columns} x {rows} pixels in {count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>图层“{name}”不是文件，因此必须先复制：{columns} x {rows} 像元，{count} 个波段，{size:.1f} GB；最多可复制 {limit:.1f} GB。请设置更小的范围，或将图层保存为 GeoTIFF（右键单击，导出，另存为）后使用。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use the file.</source>
        <translation>图层“{}”无法逐像元读取。请将其保存为 GeoTIFF 后使用。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the file.</source>
        <translation>图层“{name}”无法复制到 {path}（错误 {code}）。请检查服务是否响应、磁盘是否有空间，或将图层保存为 GeoTIFF 后使用。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; has the CRS {given}, but its file specifies {own}. The CRS of the file is used.</source>
        <translation>图层“{name}”显示为 {given}，但其文件为 {own}：以文件为准。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation>从分类图抽取样本点</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points from each class of a map, as reference data for accuracy assessment.</source>
        <translation>在分类图的每个类别中抽取随机点，供查看并用于评价。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation>精度评价,精度验证,分层随机抽样,参考点,地面真值,accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery and record the true class. &#x27;Evaluate map&#x27; then estimates the accuracy of the map and the true area of each class, with confidence intervals (Olofsson et al. 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 uses as many as are needed for the standard error.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt; of the overall accuracy: 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your estimate of the share of each class that is correct.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all classes the same number, which is best for rare classes.&lt;br&gt;&lt;b&gt;Minimum number of points per class&lt;/b&gt;: with 50 or more, the figures of rare classes are usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at the imagery, and set the field &lt;i&gt;reference&lt;/i&gt; to the class that you see; the form lists the classes of the map. Look at the imagery, not at the map. Points that are not labelled yet are orange. You can stop early: the first points are also a random sample. Do not skip points because they are difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation>&lt;p&gt;在分类图的每个类别中抽取随机点。您在高质量影像中查看每个位置，记下那里的真实情况，然后“分类图精度评价”会说明分类图的好坏以及每个类别的真实面积，并给出置信区间（依据 Olofsson 等，2014）。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;分类图&lt;/b&gt;：来自“土地覆盖制图”、“变化检测”或其他来源；第一个波段为整数。&lt;br&gt;&lt;b&gt;点数&lt;/b&gt;：0 表示按所需的标准误差取足够的点。&lt;br&gt;&lt;b&gt;标准误差&lt;/b&gt;：总体精度通常可能偏离的程度；0.01 为百分之一。&lt;br&gt;&lt;b&gt;预期精度&lt;/b&gt;：您对每个类别正确比例的估计。&lt;br&gt;&lt;b&gt;分配&lt;/b&gt;：&lt;i&gt;proportional&lt;/i&gt;（按比例）给面积大的类别更多的点，最适合估计面积；&lt;i&gt;equal&lt;/i&gt;（相等）给所有类别相同的点数，最适合评价稀少的类别。&lt;br&gt;&lt;b&gt;每个类别的最少点数&lt;/b&gt;：50 个或更多可使稀少类别的数字可用。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;样本点&lt;/b&gt;：逐个查看，在影像中判断每个点，并在字段 &lt;i&gt;reference&lt;/i&gt; 中选择您看到的类别；表单中列出了分类图的类别。请看影像，不要看分类图。尚未完成的点为橙色。您可以提前停止：前面的点也是随机样本。不要因为某个点难以判断就跳过它。&lt;/p&gt;&lt;p&gt;然后用分类图、这些点和字段 reference 运行“分类图精度评价”。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation>分类图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = from the standard error)</source>
        <translation>点数（0 = 根据标准误差）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation>总体精度的标准误差</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Halving it needs four times as many points.</source>
        <translation>0.01 为百分之一。减半需要四倍的点数。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation>每个类别的预期精度（0 到 1）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Allocation of the points to the classes</source>
        <translation>点在各类别之间的分配方式</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation>proportional（按比例）：按每个类别的面积。equal（相等）：所有类别相同。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Minimum number of points per class</source>
        <translation>每个类别的最少点数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Sample points</source>
        <translation>样本点</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Points</source>
        <translation>点数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&#x27;{name}&#x27; is an image with {bands} bands, not a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>“{name}”是有 {bands} 个波段的影像，不是类别地图。请选择类别地图，例如由“土地覆盖制图”生成的地图。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation>土地覆盖制图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Assigns a land-cover class to every pixel of a multispectral raster.</source>
        <translation>为多光谱栅格的每个像元赋予一个土地覆盖类别。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation>土地覆盖,土地利用,语义分割,分类,像元,深度学习,人工智能,基础模型,水体,森林,作物,land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Assigns a class to every pixel of a multispectral raster, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Both digital numbers and reflectance can be used; the log shows how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match bands by their names or wavelengths. If your raster has neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the area to process, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. No-data pixels remain no-data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are the most certain. Below about 60, the second-best class was close, often at class boundaries or in places unlike the training data: check the image there.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;为多光谱栅格的每个像元赋予一个类别，例如水体、树木或建设用地。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;栅格&lt;/b&gt;：多光谱影像，例如 Sentinel-2 或 Landsat，所有波段在同一图层中。DN 值和反射率均可；日志会说明值是如何缩放的。&lt;br&gt;&lt;b&gt;波段&lt;/b&gt;：留空则按名称或波长匹配波段。如果您的栅格两者都没有，请按模型的顺序为模型的每个波段选择一个波段（见模型的工具提示）。&lt;br&gt;&lt;b&gt;范围&lt;/b&gt;和&lt;b&gt;掩膜&lt;/b&gt;限制计算的区域，因此即使在大幅影像中，小区域也很快。&lt;br&gt;&lt;b&gt;最小面积&lt;/b&gt;将更小的图斑合并到相邻图斑中。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;分类图&lt;/b&gt;：与栅格网格一致的 GeoTIFF，带有模型的类别名称和颜色。无数据的像元仍为无数据。&lt;br&gt;&lt;b&gt;置信度&lt;/b&gt;：所选类别的概率，以百分比表示。接近 100 的值较为确定。低于约 60 的地方请自行查看影像：那里排第二的类别与之接近，常见于边界处，或与模型学习过的地方不同之处。&lt;br&gt;带有类别和平均置信度的&lt;b&gt;多边形&lt;/b&gt;，以及每个类别的&lt;b&gt;面积&lt;/b&gt;表，面积在椭球体上量算。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Minimum area of a patch (m²)</source>
        <translation>图斑的最小面积 (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Confidence (percent)</source>
        <translation>置信度（百分比）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Class polygons</source>
        <translation>类别多边形</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Area of each class</source>
        <translation>各类别面积</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Mapped area (m²)</source>
        <translation>制图面积 (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{value}&#x27; ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, such as 2,3,4,8, or leave it empty to match bands automatically.</source>
        <translation>“{value}”({parameter}) 不是波段号列表。请给出从 1 开始的整数，例如 2,3,4,8，或留空以自动匹配波段。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed model, or a model file.</source>
        <translation>请选择起始模型：已安装模型的名称，或其文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or one of these: {fitting}.</source>
        <translation>没有模型文件“{name}”。请另选一个，或选择以下之一：{fitting}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be used for training, which needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation>“{name}”不能用于训练：需要以 .safetensors 结尾的文件。请选择以下之一：{fitting}；或用“导入模型”导入已发布的权重文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or specify the path of a .safetensors file.</source>
        <translation>没有可作为起始的已安装模型“{name}”。请选择以下之一：{fitting}；或给出 .safetensors 文件的路径。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is now installed. Choose it by this name in {tools}.</source>
        <translation>模型“{name}”已安装：请在{tools}中按此名称选择它。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose the file {path} as the model in {tools}.</source>
        <translation>请在{tools}中将文件 {path} 作为模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for rasters)</source>
        <translation>类别字段（栅格不需要）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Text or whole numbers: one value for each class.</source>
        <translation>文本或整数：每个类别一个值。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Selected features only</source>
        <translation>仅选中的要素</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Only the selected features of the layer are used.</source>
        <translation>使用图层中选中的内容；其余的不使用。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation>留空则按名称、描述或波长匹配波段。否则请按模型的顺序，为模型的每个波段给出一个栅格波段号，例如 2,3,4,8。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of a model file (.safetensors).</source>
        <translation>用于训练的已安装模型的名称，或其文件 (.safetensors) 的路径。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Random seed</source>
        <translation>随机数种子</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>On the processor, the same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>在处理器上，相同的种子会再次得到相同的结果。试试其他种子，看看结果变化有多大。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Web page (*.html)</source>
        <translation>网页 (*.html)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Find places to label next</source>
        <translation>查找待标注位置</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Finds the places in a raster where a model is least certain, in order.</source>
        <translation>按顺序查找栅格中模型最不确定的位置。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</source>
        <translation>主动学习,不确定性,边缘采样,训练数据,标注,样本,深度学习,人工智能,基础模型,active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>&lt;p&gt;Finds the places where new labels help a model most: those where its two most probable classes are nearly equal. A few such places improve a model more than many that it already classifies well.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; and &lt;b&gt;model&lt;/b&gt;: the image to map, and the model that you want to improve.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;br&gt;&lt;b&gt;Number of places&lt;/b&gt;: how many places you want to label.&lt;br&gt;&lt;b&gt;Size of a place&lt;/b&gt;: 0 means 10 pixels of the raster.&lt;br&gt;&lt;b&gt;Existing labels&lt;/b&gt;: places that are already labelled are left out, including unsaved edits.&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the search, so a small area is quick even in a large scene.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Places to label&lt;/b&gt;: squares with their rank (1 is the least certain), the uncertainty (0 to 1), and the two most probable classes with their probabilities. Places keep a distance from each other, and if possible no more than half of them are about the same two classes.&lt;/p&gt;&lt;p&gt;Go through them by rank, look at the imagery, and draw polygons of what you see in your label layer. Then train again from the current model, and find the next places.&lt;/p&gt;</source>
        <translation>&lt;p&gt;查找标注对模型最有帮助的位置：即模型概率最高的两个类别几乎相等的位置。少量这样的位置，比许多模型已经掌握的位置更能改进模型。&lt;/p&gt;&lt;h3&gt;输入&lt;/h3&gt;&lt;p&gt;&lt;b&gt;栅格&lt;/b&gt;和&lt;b&gt;模型&lt;/b&gt;：您要制图的栅格，以及您要改进的模型。&lt;br&gt;&lt;b&gt;波段&lt;/b&gt;：留空则按名称或波长匹配。&lt;br&gt;&lt;b&gt;位置数量&lt;/b&gt;：您愿意查看多少个位置。&lt;br&gt;&lt;b&gt;位置的边长&lt;/b&gt;：0 表示栅格的 10 个像元。&lt;br&gt;&lt;b&gt;已有标注&lt;/b&gt;：与其重合的位置会被排除，未保存的编辑也计入。&lt;br&gt;&lt;b&gt;范围&lt;/b&gt;和&lt;b&gt;掩膜&lt;/b&gt;限制查找的区域，因此即使在大幅影像中，小区域也很快。&lt;/p&gt;&lt;h3&gt;输出&lt;/h3&gt;&lt;p&gt;&lt;b&gt;待标注位置&lt;/b&gt;：方块，带有排名（1 为最不确定）、不确定性（0 为确定，1 为无法判定），以及模型在其间摇摆的两个类别及其概率。各位置之间保持一定距离；只要还有其他位置，涉及相同两个类别的位置不会超过一半。&lt;/p&gt;&lt;p&gt;请按排名逐个查看，在影像中判断每个位置，并将您看到的内容以多边形绘制到标注图层中。然后从当前模型开始再次训练，并查找下一批位置。&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Number of places</source>
        <translation>位置数量</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Size of a place (0 = 10 pixels)</source>
        <translation>位置的边长（0 = 10 个像元）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Existing labels (left out)</source>
        <translation>已有标注（将被排除）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places to label</source>
        <translation>待标注位置</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places</source>
        <translation>位置数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation>图层“{}”没有可用的要素。请绘制一些、检查其过滤器，或取消勾选“仅选中的要素”。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
        <translation>“{name}”的要素无法复制到 {path}：{reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>Virtual rasters (*.vrt)</source>
        <translation>虚拟栅格 (*.vrt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>&#x27;{}&#x27; must be a virtual raster: give a name that ends in .vrt.</source>
        <translation>“{}”必须是虚拟栅格：请给出以 .vrt 结尾的名称。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>{name} ({word})</source>
        <translation>{name}（{word}）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>auto</source>
        <translation>自动</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>cpu</source>
        <translation>处理器</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>segmentation</source>
        <translation>语义分割</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>scenes</source>
        <translation>场景分类</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change</source>
        <translation>变化检测</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change-detection</source>
        <translation>变化检测</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>backbone</source>
        <translation>主干网络</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the backbone is not changed</source>
        <translation>基础模型不变</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>a small part of the model is trained</source>
        <translation>基础模型的一小部分学习</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the whole model is trained</source>
        <translation>整个基础模型学习</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>anywhere</source>
        <translation>任何地方</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>here</source>
        <translation>仅此处</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>simple</source>
        <translation>简单</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>stratified</source>
        <translation>分层</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>proportional</source>
        <translation>按比例</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>equal</source>
        <translation>相等</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>interpolate</source>
        <translation>插值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>drop</source>
        <translation>丢弃</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>无法创建您的模型文件夹 {folder}：{reason}。请通过 栅格 &gt; SpectralGPT &gt; 引擎 为引擎选择其他文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>This tool needs the engine&#x27;s training libraries, which are not installed. Install them with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>此工具需要引擎的训练库，而训练库尚未安装。请通过 栅格 &gt; SpectralGPT &gt; 引擎 安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>SpectralGPT needs its engine, which is not installed yet. Install it with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>SpectralGPT 需要其引擎，而引擎尚未安装。请通过 栅格 &gt; SpectralGPT &gt; 引擎 安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The engine of SpectralGPT does not work: {reason} Open Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>SpectralGPT 的引擎无法工作：{reason} 请打开 栅格 &gt; SpectralGPT &gt; 引擎。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Left: with &#x27;{}&#x27;. Right: the map without it.
Drag the line, or move it with the arrow keys. Press Esc to exit.</source>
        <translation>左侧：带有“{}”。右侧：不带它的地图。
拖动分割线，或用方向键移动。按 Esc 结束。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Compare with the map below</source>
        <translation>与下方地图比较</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>仅在分割线左侧显示该图层，可在地图上拖动分割线（按 Esc 结束）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Band</source>
        <translation>波段</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Recognised as</source>
        <translation>识别为</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Wavelength</source>
        <translation>波长</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>For</source>
        <translation>用途</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Verdict</source>
        <translation>结论</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Reason</source>
        <translation>原因</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Use…</source>
        <translation>使用…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Opens the tool with this layer and this model</source>
        <translation>用此图层和此模型打开工具</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe Layer for Models</source>
        <translation>描述图层的模型适用性</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Layer</source>
        <translation>图层(&amp;L)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Values</source>
        <translation>值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>No data</source>
        <translation>无数据</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Pixel size</source>
        <translation>像元大小</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>CRS</source>
        <translation>CRS</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Image date</source>
        <translation>影像日期</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Remarks</source>
        <translation>备注</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Bands</source>
        <translation>波段(&amp;B)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Models</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>There is no raster layer in this project. Add one to see which models fit it.</source>
        <translation>此工程中没有栅格图层。请添加一个，以查看哪些模型适合它。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe {}</source>
        <translation>描述 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Reading the bands and values of &#x27;{}&#x27;…</source>
        <translation>正在查看“{}”的波段和值…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Stopped.</source>
        <translation>已停止。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>None declared: every pixel is used</source>
        <translation>未声明：所有像元均计入</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The data source of the layer &#x27;{}&#x27; cannot be found. Repair it first (right-click, Change Data Source).</source>
        <translation>找不到图层“{}”的数据。请先修复其数据源（右键单击，更换数据源）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file but a web service or an internal QGIS layer, so its bands and values cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe that layer.</source>
        <translation>图层“{}”不是文件，而是服务，或只存在于 QGIS 内部：无法描述其波段和值。请将所需区域保存为 GeoTIFF（右键单击，导出，另存为），再描述该图层。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fine-tuning</source>
        <translation>微调</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fits</source>
        <translation>适合</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Doubtful</source>
        <translation>存疑</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Does not fit</source>
        <translation>不适合</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Missing: {}</source>
        <translation>缺少：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m</source>
        <translation>像元大小 {pixel:.3g} m；模型学习时为 {learned:.3g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Works without {}</source>
        <translation>缺少 {} 也可运行</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>All of its bands were found</source>
        <translation>已找到其所有波段</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: band {band}, by {how}</source>
        <translation>{model}：波段 {band}，依据 {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: none, {how}</source>
        <translation>{model}：无，{how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Coastal aerosol</source>
        <translation>海岸气溶胶</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Blue</source>
        <translation>蓝</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Green</source>
        <translation>绿</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red</source>
        <translation>红</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 1</source>
        <translation>红边 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 2</source>
        <translation>红边 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 3</source>
        <translation>红边 3</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared</source>
        <translation>近红外</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared, narrow</source>
        <translation>窄近红外</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Water vapour</source>
        <translation>水汽</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Cirrus</source>
        <translation>卷云</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 1</source>
        <translation>短波红外 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 2</source>
        <translation>短波红外 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>By its wavelength</source>
        <translation>按波长</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not recognised</source>
        <translation>未识别</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{} nm</source>
        <translation>{} nm</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width:.4g} × {height:.4g} m on the ground</source>
        <translation>地面 {width:.4g} × {height:.4g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width} × {height} {unit}</source>
        <translation>{width} × {height} {unit}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not known</source>
        <translation>未知</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>SpectralGPT Diagnostics Report</source>
        <translation>SpectralGPT 诊断报告</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Attach this text to a question or an error report. Your home folder, your user name, the name of this computer and any passwords were removed, but please check the text before you send it.</source>
        <translation>请将此文本附在问题或错误报告中。您的主文件夹、姓名、此计算机的名称和密码均已去除；但仍请您通读一遍。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Collecting information…</source>
        <translation>正在收集…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Copy</source>
        <translation>复制(&amp;C)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Save…</source>
        <translation>保存(&amp;S)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Save Report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Text files (*.txt)</source>
        <translation>文本文件 (*.txt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>The report cannot be saved to {file}: {reason}. Choose another location.</source>
        <translation>报告无法保存为 {file}：{reason}。请选择其他位置。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT Engine</source>
        <translation>SpectralGPT 引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation>引擎已损坏，必须修复。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Repair…</source>
        <translation>修复…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The installation of the engine was not completed.</source>
        <translation>引擎的安装未能完成。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation>安装…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The tools need the SpectralGPT engine, which is not installed yet.</source>
        <translation>这些工具需要引擎，而引擎尚未安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Not now</source>
        <translation>暂不</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is ready.</source>
        <translation>引擎已完成。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimates the number of windows, the time, and the memory and disk space needed. Nothing is written.</source>
        <translation>说明将计算多少个窗口、需要多长时间、多少内存和磁盘空间。不写入任何文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>First set &#x27;{}&#x27;: it is missing or not valid.</source>
        <translation>请先设置“{}”：它缺失或不正确。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Stop estimating</source>
        <translation>停止估算</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimate</source>
        <translation>估算</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {memory} of memory, {disk} of disk space.</source>
        <translation>窗口：{windows}；内存 {memory}，磁盘 {disk}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.</source>
        <translation>窗口：{windows}；{time}，内存 {memory}，磁盘 {disk}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {seconds} s</source>
        <translation>大约 {seconds} 秒</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {minutes} min</source>
        <translation>大约 {minutes} 分钟</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {hours} h {minutes} min</source>
        <translation>大约 {hours} 小时 {minutes} 分钟</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Help</source>
        <translation>帮助</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Opens the guide page for this window (F1)</source>
        <translation>在指南中打开有关此窗口的页面 (F1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Classify land cover…</source>
        <translation>土地覆盖分类…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation>场景分类…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change with…</source>
        <translation>与另一图层进行变化检测…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Fine-tune…</source>
        <translation>微调…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Describe for models…</source>
        <translation>描述模型适用性…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>The dates of these layers are not known. &#x27;{before}&#x27; was assumed to be the earlier one, because it is above the other in the layer tree. Swap the layers here if this is wrong.</source>
        <translation>这些图层的日期未知：由于“{before}”在图层树中位于上方，因此将其视为较早的图层。如果相反，请在此处互换。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/log_window.py"/>
        <source>Log of {}</source>
        <translation>{} 的日志</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model, or path of a model file</source>
        <translation>已安装的模型或模型文件的路径</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start from random weights: {}</source>
        <translation>从头开始：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Models to train from ({})</source>
        <translation>用于训练的模型 ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models ({})</source>
        <translation>SpectralGPT 模型 ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>{verdict}: {reason}</source>
        <translation>{verdict}：{reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Bands, in this order: {}</source>
        <translation>波段，按此顺序：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Pixel size in training: {:g} m</source>
        <translation>学习时的像元大小：{:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Classes: {}</source>
        <translation>类别：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Licence: {}</source>
        <translation>许可证：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Move the model &#x27;{}&#x27; to the trash?</source>
        <translation>将模型“{}”移至回收站？</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; was deleted.</source>
        <translation>“{}”已删除。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be restored: {}</source>
        <translation>模型无法恢复：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; cannot be moved to the trash. Delete it permanently?</source>
        <translation>无法将“{}”移到回收站。要永久删除吗？</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be deleted: {}</source>
        <translation>无法删除模型：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Delete Model</source>
        <translation>删除模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Bands, in the order of the model</source>
        <translation>波段，按模型的顺序</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Accuracy on data held out of training</source>
        <translation>在未参与训练的数据上的精度</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>The card has no figures: judge its map with Evaluate map.</source>
        <translation>卡片中没有数字：请用“分类图精度评价”评价其分类图。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Data and recipe</source>
        <translation>数据和制作方法</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{use}; can be trained further</source>
        <translation>{use}；可继续训练</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{name} ({size})</source>
        <translation>{name} ({size})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Name to use in parameters</source>
        <translation>参数中的名称</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Ground resolution</source>
        <translation>地面分辨率</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{:g} m</source>
        <translation>{:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{0} × {0} pixels</source>
        <translation>{0} × {0} 像元</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Origin</source>
        <translation>来源</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Licence</source>
        <translation>许可证</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Not stated</source>
        <translation>未说明</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Attribution</source>
        <translation>署名</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Included in the plugin</source>
        <translation>随插件提供</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>from {}</source>
        <translation>来自 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>on {}</source>
        <translation>于 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>band {} of the layer</source>
        <translation>图层的波段 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>left out</source>
        <translation>未使用</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Shared</source>
        <translation>共享</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Included</source>
        <translation>随附</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Imported</source>
        <translation>已导入</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Trained here</source>
        <translation>在此训练</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Own</source>
        <translation>自有</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>IoU (intersection over union) is the overlap of map and reference: the area where both show a class, divided by the area where at least one of them does. 1 is best.</source>
        <translation>IoU（交并比）是地图与真实情况的重叠程度：在属于某类别或被制图为该类别的全部地面中，两者一致的比例。1 为最好。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>95 % interval</source>
        <translation>95 % 置信区间</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean overlap (IoU)</source>
        <translation>平均重叠度 (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean F1</source>
        <translation>平均 F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean average precision</source>
        <translation>平均精度均值 (mAP)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Precision</source>
        <translation>精确率</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Recall</source>
        <translation>召回率</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Samples</source>
        <translation>样本</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Interpolation</source>
        <translation>插值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean</source>
        <translation>平均值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Base</source>
        <translation>起始模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labels</source>
        <translation>标注</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Field</source>
        <translation>字段</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labelled</source>
        <translation>已标注</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Area</source>
        <translation>区域</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Scenes</source>
        <translation>场景</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Epochs</source>
        <translation>轮数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Stages</source>
        <translation>阶段</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Last loss</source>
        <translation>最终损失</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Processes</source>
        <translation>进程数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Images</source>
        <translation>影像</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Megapixels</source>
        <translation>百万像元</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seconds</source>
        <translation>秒数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Windows</source>
        <translation>窗口数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Batch</source>
        <translation>批大小</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Learning rate</source>
        <translation>学习率</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Hidden</source>
        <translation>遮蔽</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Left out</source>
        <translation>已略过</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Search models</source>
        <translation>搜索模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>All models</source>
        <translation>所有模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>For training</source>
        <translation>用于训练</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Any layer</source>
        <translation>任意图层</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>F&amp;or</source>
        <translation>用途(&amp;O)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>La&amp;yer</source>
        <translation>图层(&amp;Y)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Rename Model</source>
        <translation>重命名模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Used in parameters, scripts and file names</source>
        <translation>参数和脚本所用的名称，也是文件的名称</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Title</source>
        <translation>标题(&amp;T)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>File &amp;name</source>
        <translation>文件名(&amp;N)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download Model</source>
        <translation>下载模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>From another address</source>
        <translation>从其他地址</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Not known: the file cannot be compared with the published one</source>
        <translation>未知：不会将文件与已发布的文件进行比较</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Address</source>
        <translation>地址(&amp;A)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;SHA-256</source>
        <translation>&amp;SHA-256</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>known only after the download starts</source>
        <translation>下载前未知</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>{about}&lt;br&gt;Size: {size}&lt;br&gt;Licence: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</source>
        <translation>{about}&lt;br&gt;大小：{size}&lt;br&gt;许可证：{licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Folders of Shared Models</source>
        <translation>共享模型的文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Models in these folders, for instance on a network drive, are also listed; nothing is written there. If several models have the same name, your own comes first, then the shared one, then the included one.</source>
        <translation>这些文件夹（例如网络驱动器上的文件夹）中的模型也会列出；不会向其中写入任何内容。名称相同时，您自己的模型优先于共享模型，共享模型优先于随附模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Add…</source>
        <translation>添加(&amp;A)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Remove</source>
        <translation>移除(&amp;R)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Choose a folder with models</source>
        <translation>选择模型文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Layer</source>
        <translation>图层</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Importing &#x27;{}&#x27;…</source>
        <translation>正在导入“{}”…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>Compare models</source>
        <translation>比较模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>List models</source>
        <translation>列出模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>SpectralGPT Models</source>
        <translation>SpectralGPT 模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Import…</source>
        <translation>导入(&amp;I)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import a model file or a checkpoint</source>
        <translation>导入模型文件或权重文件</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Download…</source>
        <translation>下载(&amp;D)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Download published weights</source>
        <translation>获取已发布的权重</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Export…</source>
        <translation>导出(&amp;E)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Save the model for use elsewhere</source>
        <translation>写出模型供其他地方使用</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Rename…</source>
        <translation>重命名(&amp;R)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Change the title or name</source>
        <translation>更改标题或名称</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>De&amp;lete…</source>
        <translation>删除(&amp;L)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Move the model to the trash</source>
        <translation>将模型移至回收站</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Shared folders…</source>
        <translation>共享文件夹(&amp;S)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Folders that are used by several people</source>
        <translation>多人使用的文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Looking for installed models…</source>
        <translation>正在查找已安装的模型…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>No model matches. Change the search text, or choose all models.</source>
        <translation>没有匹配的模型。请更改文本，或选择所有模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file, so its bands cannot be compared with the models. Save it as a GeoTIFF first.</source>
        <translation>图层“{}”不是文件，因此无法将其波段与模型进行比较。请先将其保存为 GeoTIFF。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import Model</source>
        <translation>导入模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Models and checkpoints ({})</source>
        <translation>模型和权重文件 ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Cancelled.</source>
        <translation>已取消。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Import {}</source>
        <translation>导入 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model &#x27;{}&#x27; was imported.</source>
        <translation>模型“{}”已导入。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Rename {}</source>
        <translation>重命名 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model is now called &#x27;{}&#x27;.</source>
        <translation>模型现已命名为“{}”。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Download {}</source>
        <translation>下载 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>{there} of {whole}</source>
        <translation>{there} / {whole}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Another model is being processed. Wait until it is done, or cancel it.</source>
        <translation>正在处理另一个模型。请等待其完成，或将其取消。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>&#x27;{}&#x27; is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint (.pth).</source>
        <translation>“{}”不是模型文件：应为本插件的 .onnx 或 .safetensors 文件，或 SpectralGPT 权重文件 (.pth)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work_row.py"/>
        <source>&amp;Cancel</source>
        <translation>取消(&amp;C)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Default settings of the tools</source>
        <translation>工具的默认值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Automatic: the GPU if it works, otherwise the processor</source>
        <translation>自动：GPU 可用时使用 GPU，否则使用处理器</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>GPU only</source>
        <translation>GPU，不可用则停止</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>All ({})</source>
        <translation>全部 ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source> MB</source>
        <translation> MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>No limit</source>
        <translation>无限制</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>A job that needs more memory ends with a message instead of slowing down the computer. This applies to the computer&#x27;s memory, not to that of a GPU.</source>
        <translation>需要更多内存的作业会以一条消息结束，而不会拖慢计算机。这里指计算机的内存，而不是 GPU 的内存。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>This limit is not available on macOS.</source>
        <translation>macOS 无法实施这样的限制。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Pr&amp;ocessing device</source>
        <translation>计算设备(&amp;O)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor t&amp;hreads</source>
        <translation>处理器线程数(&amp;H)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Memory &amp;limit</source>
        <translation>内存限制(&amp;L)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Checking the engine…</source>
        <translation>正在查看引擎…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installation</source>
        <translation>安装</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Install</source>
        <translation>安装(&amp;I)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Verify</source>
        <translation>验证(&amp;V)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Repair</source>
        <translation>修复(&amp;R)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remov&amp;e…</source>
        <translation>移除(&amp;E)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Tests the engine&#x27;s libraries, the processor and the GPU with a real computation.</source>
        <translation>用实际计算测试引擎的库、处理器和 GPU。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installs the engine again; the old one is kept until the new one works.</source>
        <translation>重新建立引擎；旧引擎会保留，直到新引擎可以工作。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Removes the engine. Your own models are kept.</source>
        <translation>移除引擎。您自己的模型会保留。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>The engine in use was not changed.</source>
        <translation>正在使用的引擎保持原样。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log and diagnostics</source>
        <translation>日志和诊断</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Messages of the engine appear here.</source>
        <translation>引擎的消息显示在此处。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Diagnostics report…</source>
        <translation>诊断报告(&amp;D)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Versions, settings and the last messages, without personal data, to send with a question.</source>
        <translation>版本、设置和最近的消息，不含个人数据，可发送给他人。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Update</source>
        <translation>更新(&amp;U)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the Engine</source>
        <translation>移除引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again.</source>
        <translation>移除 SpectralGPT 引擎？您自己的模型会保留；引擎可以重新安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{} MB</source>
        <translation>{} MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{:.1f} GB</source>
        <translation>{:.1f} GB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is installed and ready.</source>
        <translation>引擎已安装并就绪。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine works. An update is available.</source>
        <translation>引擎可用，并且有可用的更新。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is not installed yet.</source>
        <translation>引擎尚未安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine computes the maps in a separate process. It is downloaded once into your own folder and does not change QGIS.</source>
        <translation>引擎在独立的进程中计算地图。它只需下载一次，存放到您的文件夹中；不会更改 QGIS 的任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps and training</source>
        <translation>制图和训练</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps</source>
        <translation>制图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation>处理器和 NVIDIA GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>For {what}, on {device}.</source>
        <translation>用于{what}，运行于{device}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{size} in {place}</source>
        <translation>{size}，位于 {place}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Folder: {}</source>
        <translation>文件夹：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Nothing is downloaded: the packages come from the folder of wheels.</source>
        <translation>从 wheel 文件夹安装，不下载任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The download size is not known for this system.</source>
        <translation>此系统的下载量未知。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Download size: {}.</source>
        <translation>下载 {}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {}.</source>
        <translation>需要 {} 磁盘空间。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder.</source>
        <translation>需要 {needed} 磁盘空间，而只剩 {free} 可用：请腾出空间，或选择其他文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed} ({free} available).</source>
        <translation>需要 {needed} 磁盘空间，可用空间为 {free}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Not tested on this computer yet. Verify tests the processor and the GPU.</source>
        <translation>尚未在此计算机上测试。“验证”会测试处理器和 GPU。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Tested {}:</source>
        <translation>测试于 {}：</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>works</source>
        <translation>可用</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>not available</source>
        <translation>不可用</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{milliseconds:g} ms for {side} x {side} pixels</source>
        <translation>{side} x {side} 像元用时 {milliseconds:g} 毫秒</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Graphics cards: {}</source>
        <translation>显卡：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU for training</source>
        <translation>用于训练的 GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine passed its test.</source>
        <translation>引擎已通过测试。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Python {python} on {platform}</source>
        <translation>{platform} 上的 Python {python}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Libraries: {}</source>
        <translation>库：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation>安装 SpectralGPT 引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation>修复 SpectralGPT 引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation>移除 SpectralGPT 引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Cancelling…</source>
        <translation>正在取消…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Done.</source>
        <translation>完成。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Failed: {}</source>
        <translation>失败：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>&amp;Maps with existing models</source>
        <translation>用现有模型制图(&amp;M)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Maps, import of checkpoints and &amp;training of your own models</source>
        <translation>制图、导入权重文件和训练自己的模型(&amp;T)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Support for an NVIDIA &amp;GPU</source>
        <translation>支持 NVIDIA GPU(&amp;G)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Package sizes for this system, as of {}</source>
        <translation>此系统软件包的大小，记录于 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Network and folders</source>
        <translation>网络和文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation>与 QGIS 相同：无 (http://user:password@host:port)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Taken from the environment variable {}.</source>
        <translation>位置由环境变量 {} 指定。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Package index</source>
        <translation>软件包索引</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Proxy</source>
        <translation>代理</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation>证书（CA 文件）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation>离线：wheel 文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Folder for the engine</source>
        <translation>引擎文件夹</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/parameter_widget.py"/>
        <source>{} [optional]</source>
        <translation>{} [可选]</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/product_menu.py"/>
        <source>Open its whole product…</source>
        <translation>打开其完整产品…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Open report</source>
        <translation>打开报告</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Show log</source>
        <translation>显示日志</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The model &#x27;{}&#x27; is ready.</source>
        <translation>模型“{}”已就绪。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Added to the project: {}</source>
        <translation>已添加到工程：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The report is ready: {}</source>
        <translation>报告已就绪：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/swipe_line.py"/>
        <source>Line between the two maps</source>
        <translation>两幅地图之间的分割线</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>Held-back scenes: mean average precision {:.2f} (1 is best).</source>
        <translation>留出的场景：平均精度均值 (mAP) {:.2f}（1 为最佳）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>The accuracy of the model is not known, because no labels could be held back.</source>
        <translation>模型的好坏未知：没有可留出用于评价的标注。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label.</source>
        <translation>在留出的场景中，{share} 得到了正确的标签。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly.</source>
        <translation>在留出的已标注像元中，{share} 分类正确。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>They lie in one place, so no confidence interval can be given.</source>
        <translation>它们位于同一处，因此无法说明这一结果有多可靠。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>在留出的场景中，{share} 得到了正确的标签：95 % 置信区间为 {low} 到 {high}，在 {places} 个位置评价。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>在留出的已标注像元中，{share} 分类正确：95 % 置信区间为 {low} 到 {high}，在 {places} 个位置评价。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>The bands of &#x27;{}&#x27; will be matched when training starts.</source>
        <translation>训练开始时会匹配“{}”的波段。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>Bands found: {}.</source>
        <translation>已找到的波段：{}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Class</source>
        <translation>类别</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Prec.</source>
        <translation>精确率</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Precision (user&#x27;s accuracy): the share of the pixels mapped as this class that really belong to it.</source>
        <translation>精确率：被划为该类的部分中，确实属于该类的比例（用户精度）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Recall (producer&#x27;s accuracy): the share of the pixels of this class that were mapped as this class.</source>
        <translation>召回率：属于该类的部分中，被划为该类的比例（生产者精度）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>F1</source>
        <translation>F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>The harmonic mean of precision and recall.</source>
        <translation>精确率和召回率合为一个数字：两者的调和平均值。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap</source>
        <translation>重叠度</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does.</source>
        <translation>重叠度（交并比，IoU）：在属于该类别或被制图为该类别的全部之中，两者一致的比例。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (IoU)</source>
        <translation>重叠度 (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does. 100 % is best.</source>
        <translation>重叠度（交并比，IoU）：在属于该类别或被制图为该类别的全部地面中，两者一致的比例。100 % 为最好。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Not known: no label of this class is held back.</source>
        <translation>未知：没有留出该类别的标注。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove class &#x27;{}&#x27;</source>
        <translation>移除类别“{}”</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join class &#x27;{gone}&#x27; with &#x27;{kept}&#x27;</source>
        <translation>将类别“{gone}”并入“{kept}”</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>There is a class &#x27;{}&#x27; already.</source>
        <translation>已有类别“{}”。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join &#x27;{}&#x27; with it</source>
        <translation>将“{}”并入其中</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>The layer &#x27;{}&#x27; cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use that.</source>
        <translation>图层“{}”无法编辑。请将其保存为 GeoPackage（右键单击，导出，要素另存为）后使用。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Draw</source>
        <translation>绘制</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop drawing.</source>
        <translation>您绘制的内容属于所选类别。右键单击结束多边形；再次单击此按钮停止绘制。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Add class</source>
        <translation>添加类别</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Removes the chosen class and its labels. Use Undo to restore them.</source>
        <translation>移除所选类别及其标注；“撤销”可恢复它们。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>No pixel of the raster has this value.</source>
        <translation>栅格中没有单元具有该值。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} 个点，至少需要 {wanted} 个。请在不同位置设置 {wanted} 到十个点：其中一些会留出，用于在模型未学习过的地面上评价模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} 个多边形，至少需要 {wanted} 个。请在不同位置绘制 {wanted} 到十个多边形：其中一些会留出，用于在模型未学习过的地面上评价模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Polygons</source>
        <translation>多边形</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Value</source>
        <translation>值</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Pixels</source>
        <translation>像元</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Labelled area in pixels of the first raster, including unsaved edits.</source>
        <translation>以第一幅栅格的像元计的标注面积；未保存的编辑也计入。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Double-click to choose another colour.</source>
        <translation>双击以选择其他颜色。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{} (double-click to rename)</source>
        <translation>{}（双击以重命名）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Draw polygons of &#x27;{}&#x27;</source>
        <translation>绘制“{}”的多边形</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Colour of the class</source>
        <translation>类别的颜色</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped correctly ({share})</source>
        <translation>{reference}：{count} 个分类正确 ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped as {mapped} ({share})</source>
        <translation>{reference}：{count} 个被划为 {mapped} ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Reference ↓</source>
        <translation>参考 ↓</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Mapped as →</source>
        <translation>分类结果 →</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Sum</source>
        <translation>合计</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/curve_chart.py"/>
        <source>best</source>
        <translation>最佳</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Fine-tune a model</source>
        <translation>微调模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The engine&#x27;s training libraries are missing.</source>
        <translation>缺少引擎的训练库。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Training… You can continue drawing in the meantime.</source>
        <translation>正在训练… 其间您可以继续绘制。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin.</source>
        <translation>工具箱中没有 SpectralGPT 的工具。请重新加载插件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>1 Imagery and labels</source>
        <translation>1 影像和标注</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>2 Train</source>
        <translation>2 训练</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>3 Result</source>
        <translation>3 结果</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Available after training.</source>
        <translation>训练完模型后显示。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/engine_missing.py"/>
        <source>En&amp;gine…</source>
        <translation>引擎(&amp;G)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, based on an earlier training on this computer ({earlier}).</source>
        <translation>预计时间：约 {time}，依据此计算机上先前的一次训练 ({earlier})。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, measured on another computer. After your first training, the time of this computer is shown.</source>
        <translation>预计时间：约 {time}。该时间在另一台计算机上测得；首次训练之后将以此计算机为准。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: not known before the first training of this kind on this computer.</source>
        <translation>预计时间：在此计算机上首次进行此类训练之前未知。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} s</source>
        <translation>{} 秒</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} min</source>
        <translation>{} 分钟</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{hours} h {minutes} min</source>
        <translation>{hours} 小时 {minutes} 分钟</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>&amp;Train</source>
        <translation>训练(&amp;T)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>Ready to train.</source>
        <translation>训练准备就绪。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Map of classes</source>
        <translation>分类图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One class for every pixel.</source>
        <translation>每个像元一个类别。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One label for each polygon or grid cell.</source>
        <translation>整个多边形或网格单元一个标签。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Where two dates differ.</source>
        <translation>两个日期不同的地方。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Tas&amp;k</source>
        <translation>任务(&amp;K)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster that you want to label.</source>
        <translation>请选择含有您要标注的地面的栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster of the second date.</source>
        <translation>请选择第二个日期的栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Both dates are the same raster. Choose a different one for the second date.</source>
        <translation>两个日期是同一幅栅格。请为第二个日期另选一幅。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Checking the bands…</source>
        <translation>正在查看波段…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Unchanged</source>
        <translation>未变化</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Changed</source>
        <translation>已变化</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 1</source>
        <translation>类别 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 2</source>
        <translation>类别 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class {}</source>
        <translation>类别 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_counter.py"/>
        <source>Counting the labels of {}</source>
        <translation>统计 {} 的标注</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The file {} already exists and was not changed. Choose another name.</source>
        <translation>文件 {} 已存在，将保持原样。请另取名称。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The label layer could not be created in {path}: {reason} Choose a folder in which you can write.</source>
        <translation>无法在 {path} 中创建标注图层：{reason} 请选择您有写入权限的文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Create a label layer, or choose one.</source>
        <translation>请创建标注图层，或选择一个。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose the field with the class.</source>
        <translation>请选择类别字段。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Counting the labels…</source>
        <translation>正在统计标注…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&#x27;{name}&#x27; has {found} different values, so it is an image and not a class raster. Choose another layer.</source>
        <translation>“{name}”有 {found} 个不同的值：它是图像，不是类别栅格。请选择另一个图层。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>{found} different values were found, but a model can have at most {most} classes. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>找到 {found} 个不同的值，而一个模型最多只能有 {most} 个类别。请选择存放类别的字段，而不是给要素编号的字段，或者合并类别。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>All labels lie outside the rasters. Draw some on them.</source>
        <translation>所有标注都在栅格之外。请在栅格上绘制一些。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes: there are no labels of &#x27;{}&#x27; yet.</source>
        <translation>请至少标注两个类别：还没有任何“{}”的标注。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes. Add a second class.</source>
        <translation>请至少标注两个类别。请添加第二个类别。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Few labels: {}. The model can be trained, but its accuracy can hardly be measured.</source>
        <translation>标注较少：{}。模型可以训练，但难以评价。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a raster first: the label layer uses its coordinate system.</source>
        <translation>请先选择栅格：标注图层将采用它的坐标系。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Labels {}</source>
        <translation>标注 {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Save label layer</source>
        <translation>标注保存在哪里？</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they have no class: {}.</source>
        <translation>没有类别，因此未使用：{}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they lie outside the rasters: {}.</source>
        <translation>位于栅格之外，因此未使用：{}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a layer</source>
        <translation>选择图层</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;New…</source>
        <translation>新建(&amp;N)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Creates an empty polygon layer next to the project, with a field for the class, and starts drawing in it.</source>
        <translation>在工程旁创建一个带类别字段的空多边形图层，并开始在其中绘制。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;Field</source>
        <translation>字段(&amp;F)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Draw three to ten small polygons of every class, in different places, each on an area that clearly belongs to this class. Areas that you do not label are ignored.</source>
        <translation>请为每个类别在不同位置绘制三到十个小多边形，每个都画在确定属于该类别的地面上。未标注的地方会被忽略。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>&amp;Find places to label next</source>
        <translation>查找待标注位置(&amp;F)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the current map view</source>
        <translation>在地图视图内</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the whole layer</source>
        <translation>在整个图层内</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Where to look for places</source>
        <translation>查找位置的区域</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Only for models that assign a class to every pixel.</source>
        <translation>适用于为每个像元赋予类别的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places to label next</source>
        <translation>待标注位置</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>The places cannot be opened: {}</source>
        <translation>无法打开这些位置：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places found in {seconds:.1f} s: {count}.</source>
        <translation>{seconds:.1f} 秒内找到的位置：{count}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Looking for models to start from…</source>
        <translation>正在查找可作为起始的模型…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Choose the model to start from, under Advanced.</source>
        <translation>请在“高级”中选择起始模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Any imagery</source>
        <translation>任何影像</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Robust to other dates, light and haze.</source>
        <translation>能适应其他日期、其他光照和霾。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>These rasters</source>
        <translation>这些栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Slightly better here, but may fail elsewhere.</source>
        <translation>在此处稍好一些，但在其他地方可能失效。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>To be &amp;used on</source>
        <translation>用于(&amp;U)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Name of the model</source>
        <translation>模型名称(&amp;N)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Advanced</source>
        <translation>高级</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Base model</source>
        <translation>基础模型(&amp;B)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Dev&amp;ice</source>
        <translation>设备(&amp;I)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Labels held bac&amp;k</source>
        <translation>留出用于评价(&amp;K)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>B&amp;and numbers</source>
        <translation>波段号(&amp;A)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Decided by the number of labels and the computer.</source>
        <translation>根据您的标注和计算机来决定。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Backbone unchanged (quick)</source>
        <translation>基础模型不变 (quick)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Trains only a last layer: takes seconds and suits few labels.</source>
        <translation>只学习最后一步：只需几秒，适合标注较少的情况。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Part of the model (adapters)</source>
        <translation>一小部分学习 (adapters)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes a small part of the model&#x27;s weights: takes minutes.</source>
        <translation>只改变基础模型的少量权重：需要几分钟。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole model (full)</source>
        <translation>整个模型学习 (full)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes all weights: needs many labels and a GPU.</source>
        <translation>改变全部权重：需要大量标注和 GPU。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>How many times the training passes through the labels.</source>
        <translation>遍历标注的次数。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The GPU if it works, otherwise the processor.</source>
        <translation>有可用的 GPU 时使用 GPU，否则使用处理器。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not seen. With 0, it is not measured.</source>
        <translation>相邻的标注成组留出，使模型在别处接受评价；为 0 时不评价模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>相同的种子会再次得到相同的结果。试试其他种子，看看结果变化有多大。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>matched automatically</source>
        <translation>自动匹配</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>One raster band for each band of the base model, in its order, such as 2,3,4,8.</source>
        <translation>按基础模型的顺序，为其每个波段给出一个栅格波段，例如 2,3,4,8。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Previo&amp;us</source>
        <translation>上一个(&amp;U)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Ne&amp;xt</source>
        <translation>下一个(&amp;X)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Places, least certain first: {}</source>
        <translation>位置，最不确定的在前：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Place {number} of {count}:</source>
        <translation>位置 {number} / {count}：</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>{first} or {second}?</source>
        <translation>{first} 还是 {second}？</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>自动决定：“{base}”保持不变，只有最后一步学习您的变化 (quick)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Starts from &#x27;{base}&#x27;. How much of it is trained depends on your labels and your computer.</source>
        <translation>从“{base}”开始。其中有多少参与学习，由您的标注和计算机决定。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick). This suits fewer than {many} labels; there are {labels}.</source>
        <translation>自动决定：“{base}”保持不变，只有最后一步学习您的类别 (quick)。这适合少于 {many} 个标注；现有 {labels} 个。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: with {labels} labels, &#x27;{base}&#x27; is trained as well: all of it with a working GPU (full), otherwise a small part (adapters), or none of it if it is large (quick).</source>
        <translation>自动决定：有 {labels} 个标注时“{base}”一起学习：有可用的 GPU 时全部学习 (full)，否则只学习一小部分 (adapters)，模型较大时则保持不变 (quick)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>&#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>“{base}”保持不变，只有最后一步学习您的标注 (quick)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>A small part of &#x27;{base}&#x27; is trained as well (adapters).</source>
        <translation>“{base}”的一小部分一起学习 (adapters)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>All of &#x27;{base}&#x27; is trained (full), which needs many labels and a GPU.</source>
        <translation>整个“{base}”一起学习 (full)：需要大量标注和 GPU。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The map view does not show any raster that the model was trained on. Zoom to one of them.</source>
        <translation>地图未显示模型学习过的栅格。请缩放到其中之一。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The rasters that the model was trained on are no longer in the project.</source>
        <translation>模型学习过的栅格已不存在。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview: {}</source>
        <translation>预览：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>The preview cannot be opened: {}</source>
        <translation>无法打开预览：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas.</source>
        <translation>地图中部的预览，用时 {seconds:.1f} 秒。放大可查看其他部分。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the map view in {seconds:.1f} s.</source>
        <translation>地图所示内容的预览，用时 {seconds:.1f} 秒。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_describer.py"/>
        <source>Checking the bands of {}</source>
        <translation>查看 {} 的波段</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Raster of the second date</source>
        <translation>第二个日期的栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Remove this raster</source>
        <translation>去掉此栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>to</source>
        <translation>至</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add raster</source>
        <translation>添加栅格(&amp;A)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Trains on several rasters at once, for instance of other places or dates. They share the labels.</source>
        <translation>同时从多幅栅格学习：其他地点、其他日期。它们共用标注。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add pair of rasters</source>
        <translation>添加一对栅格(&amp;A)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Choose a raster</source>
        <translation>选择栅格</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the report in the web browser.</source>
        <translation>在浏览器中打开报告。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Prev&amp;iew</source>
        <translation>预览(&amp;I)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Maps the current map view, as a temporary layer above the imagery.</source>
        <translation>对地图视图所示的内容制图，作为影像上方的临时图层。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Comp&amp;are</source>
        <translation>比较(&amp;A)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>仅在分割线左侧显示预览，可在地图上拖动分割线（按 Esc 结束）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Appl&amp;y to the whole layer…</source>
        <translation>应用到整个图层(&amp;Y)…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the tool with the model and the raster already chosen.</source>
        <translation>打开工具，并填入模型和栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Map</source>
        <translation>地图</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Retrai&amp;n from this model</source>
        <translation>从此模型继续训练(&amp;N)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Returns to the labels, with this model as the one to start from.</source>
        <translation>返回标注，并以此模型作为起始模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Improve it</source>
        <translation>改进模型</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Percent of each row</source>
        <translation>每行的百分比</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>The accuracy of the model is shown here after training.</source>
        <translation>训练完模型后，此处显示其好坏。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Mapping the current view…</source>
        <translation>正在对地图所示的内容制图…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final model was trained on all labels.</source>
        <translation>留出的标注：{samples}。每个位置都曾被留出一次，由未见过它的模型评价；模型本身从全部标注学习。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly too optimistic.</source>
        <translation>留出的标注：{samples}。最佳轮次也是根据这些标注选出的，因此结果略微偏高。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Training loss</source>
        <translation>训练损失</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Epoch</source>
        <translation>轮次</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Parts assessed</source>
        <translation>已评价的部分</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>The curves appear after the first results on held-back labels.</source>
        <translation>对留出的标注进行评价后，曲线即会显示。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>There are no curves, because no labels were held back.</source>
        <translation>没有可绘制的内容：未留出任何标注。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Starting the engine…</source>
        <translation>正在启动引擎…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping at once…</source>
        <translation>正在立即停止…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping and saving the best model so far…</source>
        <translation>正在停止，并写入目前最佳的模型…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Warning: {}</source>
        <translation>警告：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopped. There was no model yet, so nothing was saved.</source>
        <translation>已停止。当时还没有模型，因此没有保留任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stop now</source>
        <translation>立即停止</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, after epoch {done} of at most {rounds}:</source>
        <translation>在留出的标注上，第 {done} 轮之后（最多 {rounds} 轮）：</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, before the first epoch:</source>
        <translation>在留出的标注上，第一轮之前：</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, {done} of {parts} parts:</source>
        <translation>在留出的标注上，第 {done} 部分（共 {parts} 部分）：</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>No results on held-back labels yet.</source>
        <translation>尚未评价任何标注。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>&#x27;Stop now&#x27; stops immediately and keeps nothing.</source>
        <translation>“立即停止”不会等待，也不保留任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>There is no model yet: if you cancel, nothing is saved.</source>
        <translation>还没有模型：取消后不会留下任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model is kept as it is now.</source>
        <translation>取消会保留当前的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model from before the first epoch is kept, the best so far.</source>
        <translation>取消会保留第一轮之前的模型，即目前最佳的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model of epoch {best} is kept, the best so far.</source>
        <translation>取消会保留第 {best} 轮的模型，即目前最佳的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of epoch {best}, the best so far, was kept.</source>
        <translation>已提前停止。已保留第 {best} 轮的模型，即目前最佳的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model from before the first epoch was kept.</source>
        <translation>已提前停止。已保留第一轮之前的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of the last epoch was kept.</source>
        <translation>已提前停止。已保留最后一轮的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}. The model of epoch {best}, the best one, was kept.</source>
        <translation>完成，用时 {time}。已保留最佳的第 {best} 轮的模型。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}.</source>
        <translation>完成，用时 {time}。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>SpectralGPT speaks English</source>
        <translation>SpectralGPT 说中文</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {seconds} s left</source>
        <translation>大约还剩 {seconds} 秒</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {minutes} min left</source>
        <translation>大约还剩 {minutes} 分钟</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {hours} h {minutes} min left</source>
        <translation>大约还剩 {hours} 小时 {minutes} 分钟</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation>图层“{}”没有坐标参考系统。请通过右键单击，图层CRS 进行设置。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no text or whole-number field that could hold a class. Add one, and give every feature its class.</source>
        <translation>图层“{}”没有可存放类别的文本或整数字段。请添加一个，并为每个要素填写类别。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>None of the labels has a class: fill in the field &#x27;{}&#x27;.</source>
        <translation>没有标注具有类别：请填写字段“{}”。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; is an image rendered by a web service, so its colours are not classes. Choose the original class raster, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>图层“{}”是网络服务绘制的图片：其颜色不是类别。请选择类别栅格本身，例如 GeoTIFF 或来自覆盖服务 (WCS) 的栅格。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Open satellite product…</source>
        <translation>打开卫星产品…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Land-cover map…</source>
        <translation>土地覆盖制图…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Detect change…</source>
        <translation>变化检测…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Describe layer for models…</source>
        <translation>描述图层的模型适用性…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Engine…</source>
        <translation>引擎…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/provider.py"/>
        <source>SpectralGPT {} (models for multispectral rasters)</source>
        <translation>SpectralGPT {}（用于多光谱栅格的模型）</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/quick_look_layer.py"/>
        <source>Quick look: {}</source>
        <translation>快速预览：{}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer properties. It is still treated as no-data here.</source>
        <translation>“{name}”波段 {band} 的无数据值在图层属性中已关闭；但此处仍会采用。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is ignored: only single values are supported.</source>
        <translation>“{name}”的附加无数据范围 {low} 到 {high} 未使用：仅支持单个值。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool} ({time})</source>
        <translation>{tool} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool}: {subject} ({time})</source>
        <translation>{tool}：{subject} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation>无类别</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Not yet labelled</source>
        <translation>待判断</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation>{} 的样式未保存：文件无法打开。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>There is no algorithm &#x27;{}&#x27;. Enable the plugin that provides it.</source>
        <translation>没有算法“{}”。请启用提供它的插件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>The inputs could not be read. See the log for details.</source>
        <translation>无法读取输入。详情请见日志。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/diagnostics_task.py"/>
        <source>SpectralGPT diagnostics report</source>
        <translation>SpectralGPT 诊断报告</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{}&#x27; is not an address for downloads: it must begin with https:// or http://.</source>
        <translation>“{}”不是可下载的地址：必须以 https:// 或 http:// 开头。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{path}&#x27; cannot be written: {reason}. Free some space, or choose another folder.</source>
        <translation>无法写入“{path}”：{reason}。请腾出空间，或选择其他文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download could not start: {} Check the address, the network, and the proxy in Settings &gt; Options &gt; Network.</source>
        <translation>下载未能开始：{} 请检查地址、网络，以及“设置 &gt; 选项 &gt; 网络”中的代理。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download was interrupted: {} The downloaded part is kept; download again to continue.</source>
        <translation>下载中断：{} 已下载的部分已保留；再次下载即可从该处继续。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the file has changed on the server.</source>
        <translation>服务器上的文件已更改。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>{came} of {whole} bytes were received.</source>
        <translation>已收到 {came} 字节，共 {whole} 字节。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the server sent no data.</source>
        <translation>服务器没有发送任何内容。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>There is no file at {} (404). Check the address.</source>
        <translation>{} 处没有文件 (404)。请检查地址。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server does not allow public access to {url} ({status}). Download it with your browser and import the file.</source>
        <translation>服务器不向所有人提供 {url} ({status})。请用浏览器下载，然后导入该文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The proxy requires a user name and a password (407). Set them in QGIS: Settings &gt; Options &gt; Network.</source>
        <translation>代理要求用户名和密码 (407)。请在 QGIS 中设置：设置 &gt; 选项 &gt; 网络。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server returned the status {status} for {url}. Try again later.</source>
        <translation>服务器对 {url} 的应答为 {status}。请稍后重试。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file has {came} bytes instead of {size}. It was deleted; try again later.</source>
        <translation>下载的文件有 {came} 字节，应为 {size} 字节。文件已移除；请稍后重试。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It was deleted; do not use copies of it from other sources.</source>
        <translation>下载的文件不是已发布的文件：其 SHA-256 为 {found}，应为 {expected}。文件已移除；也不要使用从其他地方得到的该文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_state.py"/>
        <source>Check the SpectralGPT engine</source>
        <translation>查看 SpectralGPT 引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Verify the SpectralGPT engine</source>
        <translation>验证 SpectralGPT 引擎</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Testing {}</source>
        <translation>正在测试 {}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>polygons</source>
        <translation>多边形</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} polygons</source>
        <translation>{units} 个多边形的 {pixels} 个像元</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>points</source>
        <translation>点</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels</source>
        <translation>{pixels} 个像元</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>class raster</source>
        <translation>类别栅格</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} connected regions</source>
        <translation>{units} 个连通区域的 {pixels} 个像元</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{raster}, mapped with {model}</source>
        <translation>{raster}，由 {model} 制图</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name</source>
        <translation>按名称匹配的类别</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by value</source>
        <translation>按值匹配的类别</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name and value</source>
        <translation>按名称和值匹配的类别</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>References</source>
        <translation>参考数据</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Design</source>
        <translation>抽样设计</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>stratified random sample</source>
        <translation>分层随机抽样</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference samples</source>
        <translation>参考样本</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Summary</source>
        <translation>摘要</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>How it was made</source>
        <translation>制作方式</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy) is the share of the pixels mapped as a class that really belong to it. Recall (producer&#x27;s accuracy) is the share of the pixels of a class that were mapped as this class. Means are over the classes that occur in the references or in the map.</source>
        <translation>精确率（用户精度）：被分为某一类别的部分中，确实属于该类别的比例。召回率（生产者精度）：属于某一类别的部分中，被分为该类别的比例。平均值针对参考数据或分类图中出现的类别计算。</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Accuracy of a class map</source>
        <translation>分类图精度评价</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy, area-adjusted</source>
        <translation>总体精度（按面积加权）</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy of the sample</source>
        <translation>样本的总体精度</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Kappa of the sample</source>
        <translation>样本的 Kappa 系数</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean overlap (IoU) of the sample</source>
        <translation>样本的平均重叠度 (IoU)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean F1 of the sample</source>
        <translation>样本的平均 F1</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>User&#x27;s accuracy</source>
        <translation>用户精度</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Producer&#x27;s accuracy</source>
        <translation>生产者精度</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped, ha</source>
        <translation>制图面积（公顷）</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated, ha</source>
        <translation>估计面积（公顷）</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{level} interval, ha</source>
        <translation>{level} 置信区间（公顷）</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Area-adjusted accuracy and areas</source>
        <translation>按面积加权的精度与面积</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number of points. The estimated areas are corrected for the errors of the map: report these areas together with their intervals.</source>
        <translation>根据分层样本对整幅分类图的估计（Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57）：每个类别按其面积计算，而不是按其点数。估计面积已根据分类图的误差进行校正；报告结果时请使用这些面积及其置信区间。</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Intervals: {level}</source>
        <translation>置信区间：{level}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated shares of the total area</source>
        <translation>估计的面积比例</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference</source>
        <translation>参考</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped</source>
        <translation>分类图</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy)</source>
        <translation>精确率（用户精度）</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Recall (producer&#x27;s accuracy)</source>
        <translation>召回率（生产者精度）</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>F1 of each class</source>
        <translation>各类别的 F1</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{value} ({level} interval {interval})</source>
        <translation>{value}（{level} 置信区间 {interval}）</translation>
    </message>
    <message>
        <location filename="../engine/report/command.py"/>
        <source>*** stands for a login or an access key, which reports leave out: put yours in its place.</source>
        <translation>*** 代表登录信息或访问密钥，报告中不包含它们：请换成您自己的。</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>true ↓ mapped →</source>
        <translation>真实 ↓ 分类图 →</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>sum</source>
        <translation>合计</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>No values.</source>
        <translation>没有值。</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>Made by SpectralGPT for QGIS {version}</source>
        <translation>由 SpectralGPT for QGIS {version} 生成</translation>
    </message>
    <message>
        <location filename="../engine/train/examples.py"/>
        <source>{raster}, row {row}, column {column}: imagery, labels, map</source>
        <translation>{raster}，第 {row} 行，第 {column} 列：影像、标注、分类图</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Second date</source>
        <translation>第二个日期</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Labelled places</source>
        <translation>已标注位置</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Bands</source>
        <translation>波段</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{pixels} px of {size} m</source>
        <translation>{pixels} px，每像元 {size} m</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{file}, field {field}</source>
        <translation>{file}，字段 {field}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Accuracy on unseen areas</source>
        <translation>未见过的地面</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Reconstructed imagery</source>
        <translation>重建效果</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}.</source>
        <translation>{raster} 中的遮蔽输入（遮蔽 {share}）、重建结果、误差（黑色表示无误差）。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>To repeat this run:</source>
        <translation>以相同设置重新运行：</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Backbone pretrained on {rasters} rasters without labels</source>
        <translation>在 {rasters} 幅无标注栅格上预训练的主干网络</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>learned</source>
        <translation>已训练</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>random weights</source>
        <translation>随机权重</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Weights</source>
        <translation>权重数</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Duration</source>
        <translation>用时</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{seconds} s, processes: {processes}</source>
        <translation>{seconds} s，进程数：{processes}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>training</source>
        <translation>训练</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>epoch</source>
        <translation>轮次</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>loss</source>
        <translation>损失</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>this network</source>
        <translation>本网络</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>interpolation</source>
        <translation>插值</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>band mean</source>
        <translation>波段平均值</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error on held-back areas</source>
        <translation>留出部分的误差</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error</source>
        <translation>均方误差</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The imagery was too small to hold back any of it.</source>
        <translation>影像太小，无法留出任何部分。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{measure}. {windows} windows of {pixels} px.</source>
        <translation>{measure}。{windows} 个 {pixels} px 的窗口。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error</source>
        <translation>误差</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Stage</source>
        <translation>阶段</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Batches</source>
        <translation>批次数</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The first {shown} of {all}.</source>
        <translation>前 {shown} 幅，共 {all} 幅。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Scenes with labels</source>
        <translation>已标注场景</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Data and settings</source>
        <translation>数据与设置</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Run again</source>
        <translation>重新运行</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>With the engine&#x27;s Python, in the plugin folder:</source>
        <translation>使用引擎的 Python，在插件文件夹中：</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Segmentation, {classes} classes</source>
        <translation>语义分割，{classes} 个类别</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Scene classification, {classes} classes</source>
        <translation>场景分类，{classes} 个类别</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Change detection, {classes} classes</source>
        <translation>变化检测，{classes} 个类别</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>quick: a head on an unchanged backbone</source>
        <translation>快速：在冻结的主干网络上训练输出头</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>adapters: a small part of the backbone is trained</source>
        <translation>适配器：同时训练主干网络的少量权重</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>full: all weights are trained</source>
        <translation>完整：训练全部权重</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>not known: no labels could be held back</source>
        <translation>未知：没有可留出用于评价的标注</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Assessed on</source>
        <translation>评价依据</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back scenes</source>
        <translation>留出的场景</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back pixels</source>
        <translation>留出的像元</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>On held-back labels</source>
        <translation>在留出的标注上</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labelled pixels</source>
        <translation>已标注像元</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Colour</source>
        <translation>颜色</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labels of each class</source>
        <translation>各类别的标注数</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Examples</source>
        <translation>示例</translation>
    </message>
    <message>
        <location filename="../engine/assess/allocation.py"/>
        <source>A sample of {1} points cannot cover {2} classes. Use at least {3} points, preferably {4}.</source>
        <translation>{1} 个点的样本无法覆盖 {2} 个类别。请至少要求 {3} 个点，最好 {4} 个。</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has decimal numbers ({2}), but a class map has whole numbers that stand for classes. Choose a class map, such as one made with &#x27;Land-cover map&#x27;, or convert it if its numbers are classes (Raster &gt; Conversion &gt; Translate, output type Byte).</source>
        <translation>分类图 {1} 含有小数 ({2})，应为代表类别的整数。请选择分类图，例如“土地覆盖制图”的结果；如果其数字确为类别，请先转换（栅格 &gt; 转换 &gt; 转换 (格式转换)，输出类型 Byte）。</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>{1} is an image (bands: {2}, {3}), but a class map has a single band of whole numbers that stand for classes. Choose the map that &#x27;Land-cover map&#x27; made from the image. To evaluate a model, give &#x27;Evaluate map&#x27; both the image and the model.</source>
        <translation>{1} 是影像（波段数：{2}，{3}），应为分类图：一个由代表类别的整数构成的波段。请选择“土地覆盖制图”由该影像生成的分类图。若要评价模型，请在“分类图精度评价”中同时给出影像和模型。</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Counting the map&#x27;s classes</source>
        <translation>正在统计地图的类别</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has more than {2} different values, so it does not look like a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>分类图 {1} 有超过 {2} 个不同的值，应为类别。请选择分类图，例如“土地覆盖制图”的结果。</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>. Choose a class map.</source>
        <translation>。请选择分类图。</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Reading the map at the reference locations</source>
        <translation>正在读取参考位置处的分类图</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} has several bands, as an image does. Its first band was evaluated as a class map. If it is an image, choose the map made from it, or also choose a model.</source>
        <translation>{1} 与影像一样有多个波段；已将第一个波段作为分类图进行评价。如果它是影像，请选择由其生成的分类图，或同时选择一个模型。</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>The map has no class at any of the {1} references {2}: it has no data there. Choose references within the mapped area, or another map.</source>
        <translation>分类图在 {1} 个参考数据 {2} 处均没有类别：那里无数据。请选择位于已制图部分的参考数据，或另选分类图。</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These classes of the references are not in the map: {1}. Their {2} reference samples count as errors. If the map has such a class under a different name, use the same name in both. If the true class is not known, leave the field empty.</source>
        <translation>地图没有与 {1} 对应的类别：{2} 个参考样本计为错误。如果它是地图中的某个类别，请给两者相同的名称；不知道真实类别的地方请留空。</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These values of the references are not classes of the map and were treated as not labelled: {1}. Their {2} reference samples are left out.</source>
        <translation>地图没有与 {1} 对应的类别：{2} 个参考样本被视为未标注，已略去。</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} of {2} reference samples lie where the map has no data. They are left out.</source>
        <translation>{2} 个参考样本中有 {1} 个位于分类图无数据处；这些样本未使用。</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>The references {1} are {2}, but the design &#x27;stratified&#x27; needs points drawn at random from each class of the map. Draw them with &#x27;sample&#x27;, or choose the design &#x27;simple&#x27;.</source>
        <translation>参考数据 {1} 为 {2}，而“stratified”（分层）设计需要从分类图每个类别中随机抽取的点。请用“从分类图抽取样本点”抽取，或选择“simple”（简单）设计。</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Neighbouring pixels are not independent, so the intervals are based on the {1} reference areas, not on the {2} pixels. For figures that apply to the whole map, draw a stratified random sample.</source>
        <translation>相邻像元并非相互独立：区间按 {1} 个参考区域计算，而不是按 {2} 个像元。若要得到适用于整幅分类图的数字，请抽取分层随机样本。</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>With only {1} reference areas, the intervals are wide and approximate.</source>
        <translation>{1} 个参考区域太少：区间很宽，其本身也只是粗略的。</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>{1} of {2} points lie on a different class of this map than the one they were drawn from, so the sample was drawn from another map. Its strata were used with their weights (Stehman 2014), assuming that both maps cover the same area.</source>
        <translation>{2} 个点中有 {1} 个在此分类图上所处的类别与抽取时的类别不同：该样本属于另一幅分类图。已采用其分层及权重 (Stehman 2014)，并假定两幅分类图覆盖相同的地面。</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>No points were labelled in {1} ({2} of the map). The area-adjusted figures apply only to the rest of the map. Label points in these classes.</source>
        <translation>在 {1}（占分类图的 {2}）中没有标注任何点：经面积校正的数字适用于其余部分。请在那里标注点。</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>Only one point was labelled in {1}. Intervals that need its variance are missing.</source>
        <translation>在 {1} 中只标注了一个点：缺少需要其方差的区间。</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>None of the classes of the references {1} is a class of the map. The references have {2}; the map has {3}. Choose the field whose values are the map&#x27;s classes, by name or by value, or rename the classes.</source>
        <translation>参考数据 {1} 的类别都不是分类图的类别。参考数据有 {2}；分类图有 {3}。请选择其值（名称或数值）为分类图类别的字段，或重命名类别。</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>Classes were matched by value, although their names differ: {1}. If this is wrong, use the same names in both.</source>
        <translation>类别按值匹配，尽管名称不同：{1}。如果有误，请为它们取相同的名称。</translation>
    </message>
    <message>
        <location filename="../engine/assess/references.py"/>
        <source>The references {1} have the fields &#x27;{2}&#x27; and &#x27;{3}&#x27; of a drawn sample, but some points lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove points that were not drawn, or fill in both fields.</source>
        <translation>参考数据 {1} 含有抽样样本的字段 &#x27;{2}&#x27; 和 &#x27;{3}&#x27;，但并非每个点都具有两者：无法使用其分层，结果可能不适用于整幅地图。请删除未被抽取的点，或填写这两个字段。</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points: {2}</source>
        <translation>{1} 个点：{2}</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Fill in the field &#x27;{1}&#x27; with the true class of each point, by name or value, starting with the first point. Then evaluate the map with these points.</source>
        <translation>请从第一个点开始，在字段“{1}”中以名称或值填写每个点的真实类别；然后用它们评价分类图。</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has only {2} pixels, fewer than the {3} points required for each class. All of them are used.</source>
        <translation>类别 {1} 只有 {2} 个像元，少于每个类别所需的 {3} 个点：全部采用。</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has {2} point, so there will be no interval for its accuracy. Use more points, or a larger minimum.</source>
        <translation>类别 {1} 得到 {2} 个点：其精度将没有区间。请要求更多的点，或更大的最少点数。</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points are drawn instead of {2}, because each class needs its minimum number of points.</source>
        <translation>抽取 {1} 个点，而不是 {2} 个：每个类别都需要满足最少点数。</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Drawing points</source>
        <translation>正在抽取点</translation>
    </message>
    <message>
        <location filename="../engine/assess/stratified.py"/>
        <source>Every stratum with an area needs at least one point.</source>
        <translation>每个有面积的分层都需要一个点，并且至少要有一个分层。</translation>
    </message>
    <message>
        <location filename="../engine/assess/training_labels.py"/>
        <source>{1} of {2} references are labels that the model was trained on, so the accuracy is too high. Use references that were not used for training.</source>
        <translation>{2} 个参考中有 {1} 个是模型训练时使用的标注，因此精度偏高。请使用未参与训练的参考。</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names are only band numbers</source>
        <translation>名称只是波段的编号</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the SR_ names do not indicate which Landsat satellite it is</source>
        <translation>SR_ 名称无法说明是哪一颗 Landsat</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names could be those of Sentinel-2 or Landsat</source>
        <translation>名称可能属于 Sentinel-2，也可能属于 Landsat</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>{1}. The model needs {2}, but these were not found: {3}. </source>
        <translation>{1}。模型需要 {2}；未找到：{3}。 </translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has only one band, {1}</source>
        <translation>栅格只有一个波段：{1}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands with neither names nor wavelengths</source>
        <translation>栅格的 {1} 个波段既没有名称也没有波长</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands: {2}</source>
        <translation>栅格的 {1} 个波段为 {2}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, Landsat, HLS), &#x27;Open satellite product&#x27; makes one raster of all its bands. Otherwise stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>一个栅格中至少需要 {1} 个波段。如果这是卫星产品（Sentinel-2、Landsat、HLS）的一个文件，“打开卫星产品”可将其所有波段合成一个栅格。否则请用栅格 &gt; 杂项 &gt; 构建虚拟栅格叠加各波段文件，每个文件作为单独的波段。</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed. Use a raster with all of them, or another model.</source>
        <translation>至少需要 {1} 个波段：请使用包含全部这些波段的栅格，或使用其他模型。</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>Give the bands descriptions such as B02, or specify the raster&#x27;s band numbers in BANDS, in the order of the model.</source>
        <translation>请为波段添加 B02 之类的描述，或在 BANDS 中按模型的顺序输入栅格的波段号。</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source> If the order is {1} ({2}), set BANDS to {3}.</source>
        <translation> 如果顺序为 {1} ({2})，则 BANDS 为 {3}。</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains band {1}, but the raster&#x27;s bands are {2}. Band numbers start at 1, and an alpha band cannot be used.</source>
        <translation>BANDS 指定了波段 {1}，但栅格的波段为 {2}。波段号从 1 开始，且不能使用 alpha 波段。</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not in BANDS</source>
        <translation>不在 BANDS 中</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains raster band {1} twice, for {2} and for {3}. Each band of the model needs a different raster band.</source>
        <translation>BANDS 两次给出栅格波段 {1}，分别用于 {2} 和 {3}。模型的每个波段都需要各自的栅格波段。</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>position {1} in BANDS</source>
        <translation>BANDS 第 {1} 位</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS has {1} numbers, but the model needs {2} ({3}){4}. Specify one raster band number for each, in this order.</source>
        <translation>BANDS 有 {1} 个数字，但模型需要 {2} 个 ({3}){4}。请按此顺序为每个波段给出一个栅格波段号。</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>used in place of {1}</source>
        <translation>代替 {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not found</source>
        <translation>未找到</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>name {1}</source>
        <translation>名称 {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>Several raster bands ({1}) match the model&#x27;s {2}: {3}. Specify with BANDS which one to use.</source>
        <translation>栅格波段 {1} 都可能是模型的 {2}：{3}。请用 BANDS 指明使用哪一个。</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>wavelength {1} nm</source>
        <translation>波长 {1} nm</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>left out: no {1}</source>
        <translation>已省略：没有 {1}</translation>
    </message>
    <message>
        <location filename="../engine/card_editing.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model, or it is damaged. Copy the file again.</source>
        <translation>“{1}”不是 SpectralGPT 的模型，或已损坏。请重新复制该文件。</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card cannot be read: it was not written by this version of SpectralGPT. Import the model again, or update the plugin.</source>
        <translation>无法读取模型卡片：它不是由此版本的 SpectralGPT 写入的。请重新导入模型，或更新插件。</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card specifies the task &#x27;{1}&#x27;, but only these are supported: {2}. Update the plugin.</source>
        <translation>模型卡片中的任务为“{1}”，应为 {2} 之一。请更新插件。</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The card of the model &#x27;{1}&#x27; is invalid: {2}. Copy the file again, or create or import the model again.</source>
        <translation>模型“{1}”的卡片不可能正确：{2}。请重新复制文件，或重新制作或导入该模型。</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its names or descriptions is not text</source>
        <translation>其中某个名称或说明不是文本</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its threshold, architecture, training or accuracy is not a table</source>
        <translation>其阈值、架构、训练或精度信息不是表格</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its classes have the values {1}, but different values from 0 to {2} are expected</source>
        <translation>其类别的值为 {1}，应为 0 到 {2} 之间互不相同的值</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its classes has the no-data value {1}</source>
        <translation>其某个类别的值等于无数据值 {1}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>a class has the colour &#x27;{1}&#x27;, but a colour such as #1f78b4 is expected</source>
        <translation>某个类别的颜色为“{1}”，应形如 #1f78b4</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>it has no bands, or one whose wavelength is not a number</source>
        <translation>没有波段，或某个波段的波长不是数字</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its window size, its number of bands in a group or its number of pixels is not positive</source>
        <translation>其窗口边长、每组波段数或像元大小不大于 0</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>&#x27;{1}&#x27; has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. Choose the model it was exported from.</source>
        <translation>“{1}”不含可用于训练的权重：应为 .safetensors 模型。.onnx 模型只能用于预测；请选择导出它的那个模型。</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; cannot be read. Copy the file again.</source>
        <translation>无法读取“{1}”中的权重。请重新复制该文件。</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; do not match the network described in its card: {2} weights are missing, unexpected or of a different shape ({3}). Train or import the model again.</source>
        <translation>“{1}”中的权重与其卡片描述的网络不符：有 {2} 个缺失、多余或形状不同 ({3})。请重新训练或导入模型。</translation>
    </message>
    <message>
        <location filename="../engine/data/atlas.py"/>
        <source>The images have no valid pixels to train on. Check their no-data values.</source>
        <translation>影像没有可用于训练的有效像元。请检查其无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must each be labelled in two places that are more than {1} pixels apart and not connected by other labels. Label a second place for {2}{3}.</source>
        <translation>未留出任何标注，因此无法评价模型：要评价至少两个类别，每个类别都需要在相距超过 {1} 像元的两个位置有标注，且其间没有标注相连。请为 {2}{3} 绘制第二个位置。</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The accuracy of these classes cannot be assessed: {1}. All labels of each of them lie in one place (closer than {2} pixels to each other) or only next to labels that are needed for training. Label a second place for each class, further away.</source>
        <translation>{1} 无法评价：这样的类别的所有标注都在同一处，彼此相距不足 {2} 像元，或仅位于学习所需的标注旁边。请为每个这样的类别在更远处绘制第二个位置。</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie in {1} separate places (more than {2} pixels apart), but at least {3} are needed, one for each part. Label more places, or use fewer parts.</source>
        <translation>标注位于 {1} 个相距超过 {2} 像元的位置，应至少有 {3} 个，每个部分一个。请在更多位置绘制标注，或要求更少的部分。</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie too close together to hold back whole places more than {1} pixels apart. They were divided into squares of {2} pixels instead, and {3} labelled pixels between the training and the validation squares are not used.</source>
        <translation>标注彼此太近，无法按相距超过 {1} 像元的位置留出：已将其切成 {2} 像元的方块，用于学习与用于评价的标注之间的 {3} 个已标注像元未使用。</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. Draw it again, or leave it empty to process the whole raster.</source>
        <translation>范围 {1} 没有面积：需要 xmin &lt; xmax 且 ymin &lt; ymax。请重新绘制，或留空以处理整幅栅格。</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} cannot be transformed to the raster&#x27;s CRS ({2}). Specify it in the raster&#x27;s CRS.</source>
        <translation>范围 {1} 无法转换到栅格的 CRS ({2})。请以栅格的 CRS 给出。</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} does not intersect the raster, whose bounds are {2} in {3}. Choose an extent within the raster, or check the CRS of the extent.</source>
        <translation>范围 {1} 未触及栅格，栅格的边界为 {2}，坐标系为 {3}。请选择栅格上的范围，或检查范围的 CRS。</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>The folder {1} contains no raster with one of the file extensions {2}. Choose another folder, or add the rasters one by one.</source>
        <translation>文件夹 {1} 中没有以 {2} 结尾的栅格。请选择其他文件夹，或逐个给出栅格。</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>No imagery was specified. Choose the rasters or folders to learn from.</source>
        <translation>未给出影像。请选择要学习的栅格或文件夹。</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Checking raster {1} of {2}</source>
        <translation>正在查看栅格 {1} / {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Skipped: {1}. {2}</source>
        <translation>未使用：{1}。{2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>None of the {1} rasters is suitable for the model. {2} Choose rasters that have the model&#x27;s bands.</source>
        <translation>{1} 幅栅格都不适合该模型。{2} 请选择含有该模型波段的栅格。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has only one class ({2}), but at least {3} are needed. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>{1} 只有一个类别 ({2})，应至少有 {3} 个。请将不属于该类别的地方也加以标注，例如标为“其他”。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has {2} classes ({3}), but at most {4} are possible. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>{1} 有 {2} 个类别 ({3})，应最多有 {4} 个。请选择类别字段，而不是为要素编号的字段，或合并类别。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The classes {1} differ only in upper and lower case. They are treated as different classes.</source>
        <translation>类别 {1} 仅大小写不同；将其视为不同的类别。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class &#x27;{1}&#x27; has the colour &#x27;{2}&#x27;, but a colour must be specified as #rrggbb, for instance #1f78b4.</source>
        <translation>类别“{1}”的颜色为“{2}”，应为 #rrggbb 形式的红、绿、蓝，例如 #1f78b4。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class names and colours were specified as {1}, but a JSON list such as [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}] is expected. Correct it, or leave it empty.</source>
        <translation>类别的外观给定为 {1}，应为 JSON 列表，例如 [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}]。请更正，或留空。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains lists, but one class is expected for each feature. Choose a field with text or whole numbers, or allow several labels per scene.</source>
        <translation>{1} 含有列表，应为每个要素一个类别。请选择文本或整数字段，或允许一个场景有多个标签。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers. As all of them are whole, they are used as classes.</source>
        <translation>{1} 含有小数类型的数字；由于全部为整数值，因此视为类别。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains {2}, but classes must be text or whole numbers. Choose another field: {3}.</source>
        <translation>{1} 含有 {2}，类别应为文本或整数。请选择其他字段：{3}。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} is empty in all {2} features, but it must contain the class of each feature. Fill it in, or choose another field.</source>
        <translation>{1} 在全部 {2} 个要素中均为空，应为每个要素的类别。请填写，或选择其他字段。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>The {1} {2} {3}: {4}. </source>
        <translation>{1} {2} {3}：{4}。 </translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Choose one of them.</source>
        <translation>请选择其中之一。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Add a field of text or whole numbers, and fill it in.</source>
        <translation>请添加一个文本或整数字段，并填写。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers such as {2}, but classes must be text or whole numbers. Choose another field, or convert the numbers to classes with the field calculator.</source>
        <translation>{1} 含有小数，例如 {2}，类别应为文本或整数。请选择其他字段，或用字段计算器将这些数字转换为类别。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} assign several labels to the same place, but each pixel can have only one. Choose a field with one class, or train on scenes.</source>
        <translation>{1} {2} 在同一位置给出多个标签，应为每个像元一个。请选择只含一个类别的字段，或进行场景训练。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} do not cover any valid pixel of the raster: they only touch its edge, or the raster has no data there. Draw labels on the raster.</source>
        <translation>{1} {2} 在栅格上没有留下已标注的像元：它们只触及栅格边缘，或所在处无数据。请在栅格上绘制标注。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} cover {3} pixels. A random {4} of them were used, including all pixels of small classes.</source>
        <translation>{1} {2} 标注了 {3} 个像元；从中随机抽取了 {4} 个，小类别全部采用。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} are a class raster, but scenes need polygons or points with a class field. Choose a vector layer, or train a segmentation model.</source>
        <translation>{1} {2} 是类别栅格，应为场景：带类别字段的多边形或点。请选择矢量图层，或训练语义分割 (segmentation)。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}, but a scene can have only one class. Correct the features with these IDs, or tick &#x27;A scene may have several labels&#x27; and give one feature all of its labels, separated by semicolons.</source>
        <translation>{3} {4} 的 {2} 个场景中有 {1} 个以不同类别重复绘制，例如 {5}；应为每个场景一个类别。请更正这些要素（要素 ID），或勾选“一个场景可以有多个标签”，并将全部标签写在同一个要素中，以分号分隔。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}. None of them is used for training. Correct the features with these IDs.</source>
        <translation>{3} {4} 的 {2} 个场景中有 {1} 个以不同类别重复绘制，例如 {5}；这些场景均不用于学习。请更正这些要素（要素 ID）。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}, but each pixel can have only one class. Correct the features with these IDs, or remove the overlap with the tool &#x27;Difference&#x27;.</source>
        <translation>{1}；应为每个像元一个类别。请更正这些要素（要素 ID），或用“差异”工具 (Difference) 将一个从另一个中剪除。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}. These pixels are ignored.</source>
        <translation>{1}；这些像元将被忽略。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} contains decimal numbers such as {2}, but the values of a class raster must be whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in QGIS).</source>
        <translation>{1} 含有小数，例如 {2}，应为值代表类别的栅格。请选择其他栅格，或将这些数字转换为类别（QGIS 中的“按表格重分类”）。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has more than {2} different values, so it does not look like a class raster. Choose the class raster, not the image.</source>
        <translation>{1} 有超过 {2} 个不同的值，应为值代表类别的栅格。请选择类别栅格，而不是影像。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no labelled pixels: all of them are no-data ({2}). Choose another raster, or correct its no-data value.</source>
        <translation>{1} 没有已标注的像元：全部为无数据 ({2})。请选择其他栅格，或更正其无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has {2} bands. The first one is used as the class band.</source>
        <translation>{1} 有 {2} 个波段；第一个波段包含类别。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no no-data value, so the value {2} was treated as a class with {3} pixels. If it means &#x27;not labelled&#x27;, set it as the no-data value of the file (gdal_edit.py -a_nodata {4}).</source>
        <translation>{1} 没有声明无数据值，因此其值 {2} 被当作一个类别，共 {3} 个像素。如果它表示未标注的部分，请在文件中将其设为无数据 (gdal_edit.py -a_nodata {4})。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} and the image do not overlap: bounds {3}, those of the image {4}. Choose labels within the image, or check the CRS of both layers.</source>
        <translation>{1} {2} 与栅格不相交：其边界为 {3}，栅格的边界为 {4}。请选择位于栅格上的标注，或检查两个图层的 CRS。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} is not georeferenced. As it has the same size as the image, {3} x {4} pixels, it is aligned with it pixel by pixel.</source>
        <translation>{1} {2} 没有地理参考；由于其大小与栅格相同，为 {3} x {4} 像元，因此逐像元叠放在栅格上。</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} has no CRS. The CRS of the image is assumed.</source>
        <translation>{1} {2} 没有 CRS；假定与栅格的相同。</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} {2} are a class raster, which has one label for each pixel. For several labels per scene, choose a vector layer.</source>
        <translation>{1} {2} 是类别栅格，每个像元只有一个标签。若一个场景需要多个标签，请选择矢量图层。</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} file {2} can be read neither as a vector layer nor as a raster. Check whether it opens in QGIS, and export it again as GeoPackage or GeoTIFF.</source>
        <translation>{1} 文件 {2} 既不能作为矢量图层也不能作为栅格读取。请在 QGIS 中打开查看，并重新导出为 GeoPackage 或 GeoTIFF。</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} features of the {2} {3} are neither polygons nor points. They are ignored.</source>
        <translation>{2} {3} 中有 {1} 个要素既不是多边形也不是点；将被忽略。</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} of {2} features of the {3} {4} have no class in the field &#x27;{5}&#x27;. They are ignored.</source>
        <translation>{3} {4} 的 {2} 个要素中有 {1} 个在字段“{5}”中没有类别；将被忽略。</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>No patch with valid pixels was found in {1} attempts: the imagery is almost entirely no-data. Clip the rasters to the area with data, or check their no-data values.</source>
        <translation>在 {1} 次抽取中未找到含有效像元的影像块：影像几乎全部为无数据。请将栅格裁剪到有数据的部分，或检查其无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>Apart from the area held back for validation, the raster {1} has no room for a training window. Use larger rasters, or more of them.</source>
        <translation>栅格 {1} 在留出用于评价的部分之外没有剩余空间。请给出更大的栅格，或更多的栅格。</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>no-data value {1}</source>
        <translation>无数据值 {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>additional no-data {1}</source>
        <translation>附加无数据值 {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value</source>
        <translation>所用波段全部为 0 时视为无数据，因为文件未声明无数据值</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>No raster was specified. Choose a raster file.</source>
        <translation>未给出栅格。请选择栅格文件。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} does not exist. Check the path, and that the drive is connected.</source>
        <translation>栅格 {1} 不存在。请检查路径，以及其驱动器是否已挂载。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose a raster file, or stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>{1} 是文件夹，不是栅格。如果它是卫星产品（Sentinel-2、Landsat、HLS），请先用“打开卫星产品”打开。否则请选择栅格文件，或用栅格 &gt; 杂项 &gt; 构建虚拟栅格叠加波段文件，每个文件作为单独的波段。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is an empty file. Download or export it again.</source>
        <translation>栅格 {1} 是空文件。请重新下载或导出。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it with &#x27;Open satellite product&#x27; first. Otherwise unpack it, or give the raster inside it as {2}{3}/NAME.tif.</source>
        <translation>{1} 是压缩包，不是栅格。如果它是卫星产品（Sentinel-2、Landsat），请先用“打开卫星产品”打开。否则请解压，或以 {2}{3}/NAME.tif 的形式给出其中的栅格。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source> It has ground control points or RPCs: warp it first (Raster &gt; Projections &gt; Warp).</source>
        <translation> 它带有地面控制点或 RPC：请先对其进行变形 (重投影)（栅格 &gt; 投影）。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no coordinate reference system.{2} Assign the correct one in QGIS with Raster &gt; Projections &gt; Assign Projection, or specify it as the CRS.</source>
        <translation>栅格 {1} 没有坐标参考系统。{2} 请在 QGIS 中通过 栅格 &gt; 投影 &gt; 指定投影 指定正确的坐标参考系统，或以 CRS 给出。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no geotransform, so its location and pixel size are unknown. Georeference it in QGIS (Layer &gt; Georeferencer), or specify a CRS to work in pixel coordinates.</source>
        <translation>栅格 {1} 没有地理变换参数，因此其位置和像元大小未知。请在 QGIS 中进行地理配准（图层 &gt; 配准工具），或明确给出 CRS 以在像元坐标中工作。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is positioned by ground control points or RPCs, which do not form a regular pixel grid. Warp it in QGIS first (Raster &gt; Projections &gt; Warp), and use the result.</source>
        <translation>栅格 {1} 由地面控制点或 RPC 定位，没有像元格网。请先在 QGIS 中变换它（栅格 &gt; 投影 &gt; 变形），再使用其结果。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The geotransform of the raster {1} gives its pixels no area. Georeference it again.</source>
        <translation>栅格 {1} 的地理变换参数使像元没有面积。请重新进行地理配准。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>&#x27;{1}&#x27; is not a coordinate reference system. Specify a code such as EPSG:32631.</source>
        <translation>“{1}”不是坐标参考系统。请给出代码，例如 EPSG:32631。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured values (WCS) and choose that layer, or download the area as a GeoTIFF.</source>
        <translation>这是服务的地址，不是栅格文件的地址。请在 QGIS 中将该服务添加为带测量值的图层（WCS）并选择该图层，或将该区域下载为 GeoTIFF。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file is on a remote server: check the address, the network and your access rights. The server must support reading parts of a file (HTTP range requests). If it does not, download the file first.</source>
        <translation>它来自另一台计算机：请检查地址、网络以及您是否有读取权限。服务器必须能发送文件的一部分（HTTP 范围请求）；如果不能，请先下载该文件。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it again.</source>
        <translation>文件可能已损坏或下载不完整：请在 QGIS 中打开查看，并重新复制、下载或导出。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} seems to be stored channels-last: {2} pages of {3} x {4} pixels, that is, an image of {5} rows whose bands were stored as columns. Save it again with the bands first (shape {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</source>
        <translation>栅格 {1} 看起来是波段在最后的排列：{2} 页，每页 {3} x {4} 像元，即一幅 {5} 行、波段被存为列的影像。请以波段在前重新写出（形状 {6}, {7}, {8}；在 Python 中：numpy.moveaxis(image, -1, 0)）。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>If they are a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose one of them, or stack them (Raster &gt; Miscellaneous &gt; Build Virtual Raster).</source>
        <translation>如果它们是卫星产品（Sentinel-2、Landsat、HLS），请先用“打开卫星产品”打开。否则请选择其中之一，或将它们叠加（栅格 &gt; 杂项 &gt; 构建虚拟栅格）。</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has complex values, as some radar products do. Convert it to real values first.</source>
        <translation>栅格 {1} 含有复数值（雷达数据？）。请先将其转换为实数值。</translation>
    </message>
    <message>
        <location filename="../engine/data/patches.py"/>
        <source>The images have different numbers of bands. Choose the same bands for each image.</source>
        <translation>各影像的波段数不同，应全部相同。请为每幅影像选择相同的波段。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>values unchanged</source>
        <translation>值与文件中相同</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset 0).</source>
        <translation>文件自带的缩放系数和偏移量不可能正确：某个缩放系数为 0，或其中某个不是数字，因此已忽略。请写入正确的值（gdal_edit.py -scale 0.0001 -offset 0），或不写（-scale 1 -offset 0）。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scale {2} and offset {3} of the file</source>
        <translation>{1}，使用文件自带的比例 {2} 和偏移 {3}</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scales and offsets of the file</source>
        <translation>{1}，使用文件自带的各比例和偏移</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 255</source>
        <translation>{1} 值 / 255</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided by 255 and treated as reflectance, so results may be poor. Use the original product if possible.</source>
        <translation>该栅格为 8 位值，可能为显示而拉伸过或未经定标：已将其除以 255 后视为反射率，结果可能较差。请尽可能使用原始产品。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 10000</source>
        <translation>{1} 值 / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, the raster&#x27;s values reach a reflectance of {1}, although about 0 to 1 is expected. Results may be wrong. Check the scale and offset of the file, or convert the values to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>栅格的值换算后反射率最高为 {1}，而预期约为 0 到 1：结果可能有误。请检查文件中的缩放系数和偏移量，或写入 0..1 的反射率或反射率 x 10000。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, some of the raster&#x27;s values give an impossible reflectance of {1} ({2} in the file). They are probably no-data that the file does not declare, which would be mapped as land cover and distort the results around it. Set the value as additional no-data value of the layer, or in the file (gdal_edit.py -a_nodata).</source>
        <translation>栅格的部分值换算成反射率 {1}，任何地表都没有这样的值（文件中为 {2}）：文件未声明的无数据值会被当作地表制图，并影响周围的窗口。请将其设为图层的附加无数据值，或写入文件（gdal_edit.py -a_nodata）。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values used as reflectance</source>
        <translation>{1} 值视为反射率</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>which gives reflectance</source>
        <translation>得到反射率</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as reflectance x 10000, but then even the brightest areas are dark. If the values are radiance, convert them to reflectance first.</source>
        <translation>栅格的值最高为 {1}：已按反射率 x 10000 处理，这样连最亮的地方也很暗。如果这些值是辐亮度，请先转换为反射率。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 100</source>
        <translation>{1} 值 / 100</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as percent and divided by 100. If this is wrong, convert them to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>栅格的值达到 {1}：已将其视为百分比并除以 100。如果有误，请写出为反射率 0..1 或反射率 x 10000。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Level-1 top-of-atmosphere values</source>
        <translation>uint16 {1} Level-1 大气层顶数值</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Collection 2 surface reflectance values</source>
        <translation>uint16 {1} Collection 2 地表反射率数值</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} values / 10000</source>
        <translation>uint16 {1} 数值 / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1}: assumed from the product name and the values, as the file declares no scale.</source>
        <translation>{1}：根据产品名称和值推定，因为文件没有比例因子。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>from the metadata</source>
        <translation>元数据中给出</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>processing baseline {1}</source>
        <translation>处理基线 {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>dark pixels show that the offset of {1} ({2}) has already been removed</source>
        <translation>暗像元表明偏移 {1}（{2}）已被去除</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of {1} ({2})</source>
        <translation>去除偏移 {1}（{2}）之后</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the values include it, subtract it first, or keep the product name in the file name.</source>
        <translation>没有暗像元可用来判断值中是否带有 Sentinel-2 产品自处理基线 04.00 起所含的偏移量 1000（反射率 0.1）；未去除任何偏移。如果带有，请先将其减去，或在文件名中保留产品名称。</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of 1000 indicated by dark pixels</source>
        <translation>去除暗像元所显示的偏移 1000 之后</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The darkest pixels of all bands have values of {1} or more (in units of 1/10000). The offset of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed.</source>
        <translation>所有波段最暗的像元都在 {1} 或以上（单位为 1/10000）：已假定其带有 Sentinel-2 产品自处理基线 04.00 起所含的偏移量 1000，并已将其去除。</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} does not overlap the first one: its bounds are {2}, those of the first one {3}. Choose two rasters of the same place, and check the CRS of both layers.</source>
        <translation>栅格 {1} 与第一幅栅格没有重叠：其边界为 {2}，第一幅的边界为 {3}。请选择同一地点的两幅栅格，并检查两个图层的 CRS。</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} has no valid pixels ({2}). Check its no-data value and the extent.</source>
        <translation>栅格 {1} 没有有效像元 ({2})。请检查其无数据值和范围。</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} {2} and the raster do not overlap: bounds {3} in {4}, those of the raster {5} in {6}. Choose {7} within the raster, or check the CRS of both layers.</source>
        <translation>{1} {2} 与栅格不相交：其边界为 {3}（{4}），栅格的边界为 {5}（{6}）。请选择位于栅格上的 {7}，或检查两个图层的 CRS。</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} does not exist. Choose a vector file with {3}.</source>
        <translation>{1} 文件 {2} 不存在。请选择含有 {3} 的矢量文件。</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>. Check whether it opens in QGIS, and export it again, for instance as GeoPackage.</source>
        <translation>。请在 QGIS 中打开查看，并重新导出，例如导出为 GeoPackage。</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has no {3} (it has {4} features of type {5}). Choose a layer of {6}{7}.</source>
        <translation>{1} 文件 {2} 没有 {3}（它有 {4} 个 {5} 类型的要素）。请选择 {6} 图层{7}。</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has several layers: {3}. Specify one of them, as in {4}|layername={5}.</source>
        <translation>文件 {2}（{1}）包含多个图层：{3}。请指明其中一个，例如 {4}|layername={5}。</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has the CRS &#x27;{3}&#x27; and the raster &#x27;{4}&#x27;, and no transformation between them is known. Use a layer in the raster&#x27;s CRS, or set the CRS that the coordinates are actually in.</source>
        <translation>文件（{1}）{2} 使用“{3}”，而栅格使用“{4}”：两者之间没有已知的转换。请提供与栅格坐标系相同的图层，或设置其坐标真正所属的坐标系。</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Opening the raster</source>
        <translation>正在打开栅格</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Reading its values</source>
        <translation>正在查看其值</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Checking which models fit</source>
        <translation>正在评估模型</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>PyTorch {1} cannot find a usable GPU: it was built for the processor only, or the driver is missing or outdated.</source>
        <translation>PyTorch {1} 找不到可用的 GPU：它是仅为处理器构建的，或者驱动程序缺失或过旧。</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>A matrix product on the GPU differs from that of the processor by {1} of its size.</source>
        <translation>GPU 上的矩阵乘积与处理器的结果相差 {1}（相对大小）。</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>These libraries of the engine do not work: {1}. Repair the engine (in QGIS: SpectralGPT &gt; Engine &gt; Repair).</source>
        <translation>引擎的以下库无法工作：{1}。请修复引擎（在 QGIS 中：SpectralGPT &gt; 引擎 &gt; 修复）。</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>processor and GPU</source>
        <translation>处理器和 GPU</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The model &#x27;{1}&#x27; standardises each scene by statistics of all its pixels, which Deepness does not compute, so its maps would differ. Export the model as plain ONNX.</source>
        <translation>模型“{1}”用每幅影像所有像元的统计量进行标准化，而 Deepness 不计算这些统计量：其结果会不同。请导出为普通 ONNX。</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the graph for Deepness</source>
        <translation>正在写入用于 Deepness 的计算图</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Comparing with the model</source>
        <translation>正在与模型比较</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The probabilities of the graph for Deepness differ from those of the model by up to {1}, but only {2} is acceptable. Export the model as plain ONNX, and please report the model&#x27;s card.</source>
        <translation>用于 Deepness 的计算图与模型的概率相差 {1}，可接受的差异为 {2}。请导出为普通 ONNX，并报告模型的卡片。</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the model</source>
        <translation>正在写入模型</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, assign the bands in this order: {1}{2}.</source>
        <translation>在 Deepness 中，请按此顺序对应波段：{1}{2}。</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, values must be reflectance x {1} without an added offset. First subtract the offset of 1000 of Sentinel-2 products since processing baseline 04.00.</source>
        <translation>在 Deepness 中，值必须为反射率 x {1}，且不带附加偏移量：请先减去 Sentinel-2 产品自处理基线 04.00 起所含的 1000。</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>Checking the model</source>
        <translation>正在检查模型</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; has no weights to train from: there is no {2} next to it. Export it as ONNX instead.</source>
        <translation>模型“{1}”没有可用于训练的权重：旁边没有 {2}。请改为导出为 ONNX。</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; is a backbone, which cannot make predictions before it is fine-tuned. Export its weights (safetensors), or fine-tune it first.</source>
        <translation>模型“{1}”是主干网络：微调之前不能预测任何内容，因此没有可在其他地方运行的内容。请导出其权重 (safetensors)，或先进行微调。</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The probabilities of the exported graph differ from those of the network by up to {1}, but only {2} is acceptable. </source>
        <translation>导出的计算图与网络的概率相差 {1}，可接受的差异为 {2}。 </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with full weights (half off).</source>
        <translation>请以完整权重导出（关闭半精度）。</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Please report the model&#x27;s card.</source>
        <translation>请报告模型的卡片。</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>This version of PyTorch cannot export the network. Please report it.</source>
        <translation>此版本的 torch 无法导出该网络。请报告此问题。</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The weights of the model need more than 2 GB, the largest size of a single ONNX file. </source>
        <translation>模型的权重超过单个 ONNX 文件可容纳的 2 GB。 </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Use a smaller model.</source>
        <translation>请使用较小的模型。</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with half-precision weights.</source>
        <translation>请以半精度权重导出。</translation>
    </message>
    <message>
        <location filename="../engine/export/streamed.py"/>
        <source>The model needs {1} GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead.</source>
        <translation>模型需要 {1} GB；单个 ONNX 文件可容纳 2 GB。请改为写出 .safetensors 模型。</translation>
    </message>
    <message>
        <location filename="../engine/gpu/graph_weights.py"/>
        <source>The graph of &#x27;{1}&#x27; does not contain the weight &#x27;{2}&#x27; of its network. Use ONNX Runtime for this model, or keep its .safetensors file next to it.</source>
        <translation>“{1}”的计算图不含其网络的权重“{2}”。请对此模型使用 ONNX Runtime，或将其 .safetensors 文件放在旁边。</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed on the GPU. Choose the device &#x27;cpu&#x27;. If it is one of the models that come with the plugin, please report this.</source>
        <translation>模型“{1}”在 GPU 上运行失败。请选择设备“cpu”；如果它是随附的模型，请报告此问题。</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The GPU does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>GPU 的可用内存不足以运行模型“{1}”。请关闭其他程序，或选择较小的模型。</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; is copied without conversion, so the output must end in {2}, not &#x27;{3}&#x27;. To convert it to another format, use &#x27;Export model&#x27;.</source>
        <translation>“{1}”按原样复制：输出必须以 {2} 结尾，而不是“{3}”。若要制作另一种文件，请使用“导出模型”。</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Copying the model</source>
        <translation>正在复制模型</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source> It seems to have been made for the Deepness plugin: use it there.</source>
        <translation> 它似乎是为插件 Deepness 制作的：请在那里使用。</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how values are scaled, so it cannot be used here.{2} Choose a model made with this plugin, or a published SpectralGPT checkpoint (.pth).</source>
        <translation>“{1}”不带 SpectralGPT 卡片：其中没有写明需要哪些波段（按波长）以及如何缩放值，因此无法在此运行。{2} 应为本插件制作的模型，或已发布的 SpectralGPT 权重文件 (.pth)。</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Reading the checkpoint</source>
        <translation>正在读取权重文件</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Computing the checksum of the checkpoint</source>
        <translation>正在计算权重文件的指纹</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it.</source>
        <translation>此权重文件是主干网络：微调之前不能预测任何内容，因此不能转换为 .onnx。请给出以 .safetensors 结尾的输出，并由它进行微调。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; has the inputs {2} and the outputs {3}, but a model for {4} needs {5} and must return probabilities. Import the model again.</source>
        <translation>“{1}”的计算图有输入 {2} 和输出 {3}；用于 {4} 的模型需要 {5} 并给出概率。请重新导入模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; expects {2} (bands, rows, columns), but its card says {3}. The file does not match its card: create or import it again.</source>
        <translation>“{1}”的计算图接受 {2}（波段、行、列），而其卡片为 {3}。文件与其卡片不符：请重新制作或导入。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model &#x27;{1}&#x27; returned scores of the shape {2}, but its card has {3} classes. The file does not match its card: create or import it again.</source>
        <translation>模型“{1}”给出的得分形状为 {2}，而其卡片有 {3} 个类别。文件与其卡片不符：请重新制作或导入。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model returned scores that are not numbers (NaN). Either it is damaged, or the raster&#x27;s values are far outside the range that it was trained on. Check the raster&#x27;s values and no-data, set the device to &#x27;cpu&#x27;, or create or import the model again.</source>
        <translation>模型给出的得分不是数字 (NaN)：模型已损坏，或栅格的值与模型适用的值相差太远。请检查栅格的值和无数据设置，将设备设为“cpu”，或重新制作或导入模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>{1} ONNX Runtime is used instead.</source>
        <translation>{1} 改用 ONNX Runtime。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1} cannot run this model: {2}</source>
        <translation>测量一次：{1} 无法运行此模型：{2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2}; not used</source>
        <translation>测量一次：{1}：{2}；未使用</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2} ms per window{3}</source>
        <translation>测量一次：{1}：每个窗口 {2} 毫秒{3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>A GPU was requested, but none can be used: {1}. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install the engine for your GPU.</source>
        <translation>要求使用 GPU，但没有可用的 GPU：{1}。请选择设备“auto”（自动）或“cpu”（处理器），或安装适合您的 GPU 的引擎。</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>The processor is used instead of the GPU. {1}</source>
        <translation>未使用 GPU，使用的是处理器。{1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes were completed by an earlier run and are skipped</source>
        <translation>{2} 个场景中有 {1} 个已由之前的运行完成,现跳过</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>&#x27;{1}&#x27; could not be updated, because another program, such as a spreadsheet, has it open. Close it there and run the same command again, which only writes the table. Until then, &#x27;{2}&#x27; lists all scenes.</source>
        <translation>无法更新“{1}”：它被其他程序（例如电子表格）占用。请在那里关闭它，然后再次运行同样的命令，届时只写入该表；在此之前，“{2}”列出所有场景。</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes failed: {3}. All others are complete; &#x27;{4}&#x27; lists every scene. Fix the problem and run the same command again: completed scenes are skipped.</source>
        <translation>{2} 个场景中有 {1} 个无法计算:{3}。其余已完成;全部列于 &#x27;{4}&#x27;。请解决问题后重新运行同一命令:已完成的会跳过。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cell_windows.py"/>
        <source>Classifying cells</source>
        <translation>正在对单元分类</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The cell size {1} is smaller than a pixel ({2} CRS units). Use a larger one, or 0 for the model&#x27;s own window size.</source>
        <translation>单元大小 {1} 小于一个像元（{2} CRS 单位）。请给出更大的值，或用 0 表示模型自身的窗口。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The raster&#x27;s pixels of {1} m are resampled to {2} m, so that a cell of {3} px is {4} m wide. The model was trained on pixels of {5} m.</source>
        <translation>栅格的 {1} m 像元已重采样到 {2} m，使 {3} px 的单元宽 {4} m；模型训练时为 {5} m。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>A cell covers {1} times the area that the model was trained on ({2} m wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model.</source>
        <translation>一个单元所显示的地面是模型训练时（宽 {2} m）的 {1} 倍：标签可能较差。请将单元大小设为 0，以采用模型自身的尺度。</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>{1} {2}: less than half of their area is covered by valid pixels of the raster.</source>
        <translation>{1} {2}：其面积不足一半落在栅格的有效像元上。</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>No {1} can be classified: in none of {2} are at least half of the pixels valid. Choose a smaller cell size or another area, or check the no-data values.</source>
        <translation>没有可标注的 {1}：{2} 个之中，没有一个的有效像元达到一半。请选择更小的单元大小、其他区域，或检查无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>A worker would use {1} on {2} (model {3}), but the client uses {4} on {5} (model {6}). Start the workers with the environment and the models of the client, or set the device to &#x27;cpu&#x27;.</source>
        <translation>工作节点将使用 {1}（{2}，模型 {3}）计算，而客户端使用 {4}（{5}，模型 {6}）。请用客户端的环境和模型启动工作节点，或将设备设为“cpu”。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster has no workers, so the run is waiting for one. Start workers with: dask worker ADDRESS, or cancel.</source>
        <translation>集群没有工作进程，因此没有进行任何计算：运行正在等待。请用 dask worker ADDRESS 启动，或取消。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its workers. Check the logs of the workers: they may have too little memory, or lack the engine&#x27;s libraries.</source>
        <translation>集群无法计算一个任务：调度器已消失，或工作节点在计算时一再终止。请查看工作节点的日志：它们可能内存不足，或缺少引擎所需的库。</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Cluster: {1} tasks for {2} workers</source>
        <translation>集群：{1} 个任务，{2} 个工作节点</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Classifying scenes</source>
        <translation>正在对场景分类</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Cluster: {1} strips for {2} workers</source>
        <translation>集群：{1} 个条带，{2} 个工作节点</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Strips: row {1}</source>
        <translation>条带：第 {1} 行</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>A change model has two classes, unchanged and changed, but &#x27;{1}&#x27; has {2}. Choose another model.</source>
        <translation>变化检测模型有两个类别，未变化和已变化；“{1}”有 {2} 个。请选择其他模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Scores rescaled for this scene: {1} becomes 0.5</source>
        <translation>已为此影像重新缩放得分：{1} 变为 0.5</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (determined from the scene)</source>
        <translation>阈值：{1}（由影像得出）</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (fixed in the model card)</source>
        <translation>阈值：{1}（模型卡中固定）</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is not known)</source>
        <translation>阈值：{1}（给定值；模型自身的阈值未知）</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is {2})</source>
        <translation>阈值：{1}（给定值；模型自身的阈值为 {2}）</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Writing the map</source>
        <translation>正在写入地图</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} windows, {2}{3} of memory, {4} of disk space ({5} free)</source>
        <translation>预估：{1} 个窗口，{2}内存 {3}，磁盘 {4}（可用 {5}）</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} of disk space in &#x27;{2}&#x27; ({3} free)</source>
        <translation>预计：“{2}”所在磁盘需要 {1}（可用 {3}）</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>{1} of memory is free, but the run may need {2}: it may be slow or fail. Close other programs, or use fewer threads.</source>
        <translation>可用内存为 {1}，而运行可能需要 {2}：可能会变慢或失败。请关闭其他程序，或选择更少的线程。</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run needs {3} while it works. Free some space, choose another folder, or limit the extent.</source>
        <translation>文件夹“{1}”可用空间为 {2}，而运行期间需要 {3}。请腾出空间、选择其他文件夹，或限制范围。</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run may need {3} and could fail. Free some space, or choose another folder.</source>
        <translation>文件夹“{1}”可用空间为 {2}，而运行可能需要 {3}：可能会失败。请腾出空间，或选择其他文件夹。</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU is low on memory. Continuing with {1} windows at a time.</source>
        <translation>GPU 内存不足：改为每次 {1} 个窗口继续。</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU does not have enough memory for even one window. Continuing on the processor.</source>
        <translation>GPU 内存不足以处理一个窗口：改用处理器继续。</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_parts.py"/>
        <source>Resuming the previous run: {1} windows are done</source>
        <translation>从上次运行停止处继续：已完成 {1} 个窗口</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_rows.py"/>
        <source>Resuming the previous run: {1} of {2} rows are done</source>
        <translation>从上次运行停止处继续：{2} 行中已完成 {1} 行</translation>
    </message>
    <message>
        <location filename="../engine/infer/gpu_choice.py"/>
        <source>Speed test: {1}: {2} ms per window</source>
        <translation>已测量一次：{1}：每个窗口 {2} 毫秒</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The model &#x27;{1}&#x27; is for training. To run it, a file that ends in .onnx is needed. Export it first.</source>
        <translation>模型“{1}”用于训练；运行模型需要以 .onnx 结尾的文件。请先将其导出。</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The card in &#x27;{1}&#x27; does not list any classes. Create or import the model again.</source>
        <translation>“{1}”内的卡片没有列出类别。请重新制作或导入。</translation>
    </message>
    <message>
        <location filename="../engine/infer/model_inputs.py"/>
        <source>The two dates have no group of bands in common: the first one provides the model&#x27;s groups {1}, the second one {2}. Choose rasters from the same sensor.</source>
        <translation>两个日期没有共同的波段组：第一个日期适用于模型的组 {1}，第二个适用于 {2}。请选择同一传感器的栅格。</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>There are no valid pixels in the area: the raster has no data there. Choose another area, or check the no-data values.</source>
        <translation>该区域内没有有效像元：栅格在那里全部为无数据。请选择其他区域，或检查无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>Windows: row {1} of {2}</source>
        <translation>窗口：第 {1} 行，共 {2} 行</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime could not start {1}: its driver or libraries are missing or outdated. Update the driver, or choose the processor.</source>
        <translation>ONNX Runtime 无法启动 {1}：其驱动程序或库缺失或过旧。请更新驱动程序，或选择处理器。</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime {1} cannot load &#x27;{2}&#x27;: the ONNX model is incomplete or needs a newer version. Copy the file again, or update the engine.</source>
        <translation>ONNX Runtime {1} 无法加载“{2}”：它不是完整的 ONNX 模型，或需要更新的版本。请重新复制该文件，或更新引擎。</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed while running. Create or import it again. If it is one of the models that come with the plugin, please report this.</source>
        <translation>模型“{1}”在运行时失败。请重新制作或导入；如果它是随附的模型，请报告此问题。</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The {1} does not have enough free memory for the model &#x27;{2}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>{1} 的可用内存不足以运行模型“{2}”。请关闭其他程序，或选择较小的模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>OpenVINO {1} cannot run &#x27;{2}&#x27;: the ONNX model is incomplete, or has parts that OpenVINO does not support.</source>
        <translation>OpenVINO {1} 无法运行“{2}”：它不是完整的 ONNX 模型，或含有 OpenVINO 不认识的部分。</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>The computer does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>计算机的可用内存不足以运行模型“{1}”。请关闭其他程序，或选择较小的模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/places.py"/>
        <source>A place of {1} CRS units is {2} x {3} pixels, which is larger than the area to search ({4} x {5} pixels). Use a smaller size, 0 for {6} pixels, or a larger extent.</source>
        <translation>边长 {1} CRS 单位的位置为 {2} x {3} 像元，大于要查找的区域（{4} x {5} 像元）。请给出更小的边长、用 0 表示 {6} 像元，或给出更大的范围。</translation>
    </message>
    <message>
        <location filename="../engine/infer/preflight.py"/>
        <source>Estimated: {1} windows, {2}{3}; actual: {4} windows, {5}, {6}</source>
        <translation>事先预估：{1} 个窗口，{2}{3}；实际：{4} 个窗口，{5}，{6}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>No quick look: {1}</source>
        <translation>无快速预览：{1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>Quick look: {1} x {2} pixels of {3}</source>
        <translation>快速预览：{1} x {2} 个像素，像素大小 {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>The map view does not show any part of the area to process.</source>
        <translation>地图未显示要计算的区域。</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask does not intersect the area to process ({1} in {2}); its polygons lie in {3}. Choose another mask, or check its CRS.</source>
        <translation>掩膜未触及要计算的区域（{1}，{2}）；其多边形位于 {3}。请选择其他掩膜，或检查其 CRS。</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask is too small: it contains no pixel centre. Choose a larger mask.</source>
        <translation>掩膜小于一个像元：没有像元的中心位于其中。请选择更大的掩膜。</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2} ({3})</source>
        <translation>模型：{1}，许可证 {2}（{3}）</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2}</source>
        <translation>模型：{1}，许可证 {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Device: {1} ({2})</source>
        <translation>设备：{1}（{2}）</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = band {2}, {3}</source>
        <translation>{1} = 波段 {2}，{3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = left out</source>
        <translation>{1} = 略去</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, bands: {2}</source>
        <translation>{1}，波段：{2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, values: {2}</source>
        <translation>{1}，值：{2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, no-data: {2}</source>
        <translation>{1}，无数据：{2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>The raster&#x27;s pixels are {1} m wide on the ground, but the model was trained on pixels of {2} m, so results may be poor. Resample the raster (Raster &gt; Projections &gt; Warp), choose another model, or train one on this raster.</source>
        <translation>该栅格的像元在地面上宽 {1} 米，模型学习所用的像元宽 {2} 米：结果可能较差。请重采样栅格（栅格 &gt; 投影 &gt; 变形），选择其他模型，或用此栅格训练一个模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Windows: {1} processed, {2} skipped of {3}; {4} s, {5} Mpx/s on {6} ({7})</source>
        <translation>窗口：已计算 {1} 个，跳过 {2} 个，共 {3} 个；{4} s，在 {6}（{7}）上 {5} Mpx/s</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>No scene was specified. List rasters with inputs, or give a text file with one raster per line with inputs_list.</source>
        <translation>未给出场景。请用 inputs 指定栅格,或用 inputs_list 指定每行一个栅格的文本文件。</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>Change detection needs two rasters for each scene, but {1} were given; the last one is &#x27;{2}&#x27;. Specify a first and a second date for each scene.</source>
        <translation>变化检测的每个场景需要两个栅格;给出了 {1} 个,最后一个是 &#x27;{2}&#x27;。请为每个场景给出第一和第二日期。</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The scenes &#x27;{1}&#x27; and &#x27;{2}&#x27; would be written to the same output. Leave one out, or rename a file.</source>
        <translation>两个场景将写入同一输出:&#x27;{1}&#x27; 和 &#x27;{2}&#x27;。请去掉一个,或重命名文件。</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The output &#x27;{1}&#x27; is also an input and would be overwritten. Choose another name.</source>
        <translation>输出“{1}”同时也是输入，会被覆盖。请选择其他名称。</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The list of scenes &#x27;{1}&#x27; cannot be read. Use a text file (UTF-8) with the path of one raster per line.</source>
        <translation>无法读取场景列表 &#x27;{1}&#x27;。请给出每行一个栅格路径的文本文件(UTF-8)。</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>&#x27;{1}&#x27; cannot write &#x27;{2}&#x27; in addition to its output. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; 不会在输出旁写入 &#x27;{2}&#x27;。可用:{3}。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}&#x27; must end in {2}. Change it.</source>
        <translation>输出“{1}”必须以 {2} 结尾。请改用这样的名称。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of a GeoPackage cannot contain &#x27;;&#x27;, but that of the output &#x27;{1}&#x27; does. Choose another name.</source>
        <translation>GeoPackage 的名称不能包含“;”，而输出“{1}”的名称含有它。请换一个名称。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}...&#x27; is too long for the file and those written next to it: {2} bytes, but at most {3} are allowed. Choose a shorter name.</source>
        <translation>输出名称“{1}...”对文件及其附属文件而言过长：{2} 字节，最多应为 {3}。请使用较短的名称。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>Two outputs would be written to &#x27;{1}&#x27;. Give each of them a different name.</source>
        <translation>有两个输出将写入“{1}”。请分别取不同的名称。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The output &#x27;{1}&#x27; is a folder. Specify the name of a file.</source>
        <translation>输出“{1}”是文件夹。请给出文件名。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The folder of the output &#x27;{1}&#x27; does not exist. Create &#x27;{2}&#x27;, or choose another one.</source>
        <translation>输出“{1}”的文件夹不存在。请创建“{2}”或另选一个。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The disk is full, or the file is too large for it: &#x27;{1}&#x27; could not be completed. Free some space, or write to another disk. Nothing of this output was kept.</source>
        <translation>磁盘已满，或文件对磁盘来说过大：“{1}”无法完成。请腾出空间，或写到其他磁盘。该输出没有保留任何内容。</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>&#x27;{1}&#x27; cannot be written. Check that you have write access to this folder and that the file is not open in another program or as a layer in QGIS, or choose another location.</source>
        <translation>无法写入“{1}”。请检查您是否有权写入此文件夹，以及是否有其他程序（或 QGIS 中的图层）占用该文件，或选择其他位置。</translation>
    </message>
    <message>
        <location filename="../engine/infer/threshold.py"/>
        <source>The model card asks for the threshold {1}, which this version does not support. Update the plugin, or specify a threshold.</source>
        <translation>模型卡片要求的阈值 {1} 不为此版本所知。请更新插件，或自行给出阈值。</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>The model &#x27;{1}&#x27; has {2} class, but uncertainty needs two or more. Choose a model with more classes.</source>
        <translation>模型“{1}”只有 {2} 个类别；要出现难以判定的情况，需要两个或更多。请选择类别更多的模型。</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>No place of {1} has at least half of its pixels valid{2}. Choose a smaller size or a larger area, or check the no-data values.</source>
        <translation>没有 {1} 的位置的有效像元达到一半{2}。请选择更小的边长、更大的区域，或检查无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>Places of {1}: {2} found.</source>
        <translation>{1} 的位置：找到 {2} 个。</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>{1} places were found instead of {2}: there is not enough space for more places of {3} with the required distance between them. Choose a smaller size, or a larger area.</source>
        <translation>找到 {1} 个位置，而不是 {2} 个：若任意两个之间要隔开一个位置，则没有空间容纳更多 {3} 的位置。请选择更小的边长，或更大的区域。</translation>
    </message>
    <message>
        <location filename="../engine/infer/windows.py"/>
        <source>Windows of {1} px with an overlap of {2} px are impossible for a raster of {3} x {4} px: sizes must be at least 1, and the overlap must be smaller than the window.</source>
        <translation>无法在 {3} x {4} px 的栅格上使用 {1} px、重叠 {2} px 的窗口：大小必须至少为 1，且重叠必须小于窗口。</translation>
    </message>
    <message>
        <location filename="../engine/infer/zone_windows.py"/>
        <source>Classifying zones</source>
        <translation>正在对分区分类</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>There is no command &#x27;{1}&#x27;. Available: {2}.</source>
        <translation>没有动词“{1}”。可用的有：{2}。</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>The parameters of &#x27;{1}&#x27; must be a JSON object.</source>
        <translation>“{1}”的参数必须是 JSON 对象。</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>&#x27;{1}&#x27; needs the library &#x27;{2}&#x27;, which is not installed in this engine. Install the engine&#x27;s {3} libraries (in QGIS: SpectralGPT &gt; Engine).</source>
        <translation>“{1}”需要库“{2}”，而此引擎没有。请安装引擎的 {3} 库（在 QGIS 中：SpectralGPT &gt; 引擎）。</translation>
    </message>
    <message>
        <location filename="../engine/memory_limit.py"/>
        <source> The memory limit allows the engine {1} MB. Increase or remove the limit in QGIS under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation> 按照内存限制，引擎最多可使用 {1} MB：请在 QGIS 的 设置 &gt; 选项 &gt; SpectralGPT 中调高，或设为无限制。</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>{1}={2} does not match {3}={4}: a positive multiple is needed. Use {5}={6}, or another {7}.</source>
        <translation>{1}={2} 与 {3}={4} 不符：应为正整数倍。请使用 {5}={6}，或其他 {7}。</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>There is no preset &#x27;{1}&#x27;. Choose one of {2}.</source>
        <translation>没有预设“{1}”。请选择 {2} 之一。</translation>
    </message>
    <message>
        <location filename="../engine/model/dense_head.py"/>
        <source>The published pixel-wise head needs tokens of {1} pixels and a width that is a multiple of 16, but it was given patch={2}, width={3}. Use patch={4} and width={5}.</source>
        <translation>已发布的逐像元输出头适用于 {1} 像元的 token，且宽度为 16 的倍数，给定的是 patch={2}, width={3}。请使用 patch={4} 和 width={5}。</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The network expects images [batch, {1}, height, width], but got {2}. Fill missing bands with zeros and leave out their group.</source>
        <translation>网络接受的影像为 [batch, {1}, height, width]，给定的是 {2}。请用零填充缺失的波段，并略去其组。</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The pretrained model does not match this network: {1} of {2} encoder weights are missing or have a different shape ({3}). Choose a backbone with the same bands, width and depth.</source>
        <translation>预训练模型与此网络不符：{2} 个编码器权重中有 {1} 个缺失或形状不同 ({3})。请选择波段、宽度和深度相同的主干网络。</translation>
    </message>
    <message>
        <location filename="../engine/model/losses.py"/>
        <source>The loss weights {1} are invalid: none may be negative, and at least one must be above 0.</source>
        <translation>无法用损失权重 {1} 训练：不能为负，且必须有一个大于 0。</translation>
    </message>
    <message>
        <location filename="../engine/model/masked_autoencoder.py"/>
        <source>A mask ratio of {1} leaves {2} of {3} tokens visible, but some must be hidden and some visible. Use 0.9, or a larger window.</source>
        <translation>遮蔽率 {1} 使 {3} 个 token 中有 {2} 个可见：必须有一些被遮蔽、一些可见。请使用 0.9，或更大的窗口。</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The statistics in the card do not match its {1} bands: {2} means, {3} standard deviations (each must be above 0). Train or import the model again.</source>
        <translation>卡片中的统计量与其 {1} 个波段不符：{2} 个均值，{3} 个标准差（每个都必须大于 0）。请重新训练或导入模型。</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The card asks for the normalisation &#x27;{1}&#x27;, but this version supports only statistics, tile-minmax, scene-statistics and none. Update the plugin.</source>
        <translation>卡片要求归一化方式“{1}”，此版本支持 statistics、tile-minmax、scene-statistics 和 none。请更新插件。</translation>
    </message>
    <message>
        <location filename="../engine/model/pixel_change.py"/>
        <source>{1} pixel levels end at stride {2}, but a token is {3} pixels wide. Specify one width for each stride from 1 to {4}.</source>
        <translation>{1} 级像元终止于步长 {2}，但一个 token 宽 {3} 像元。请为从 1 到 {4} 的每个步长给出一个宽度。</translation>
    </message>
    <message>
        <location filename="../engine/model/position.py"/>
        <source>A window of {1} x {2} pixels cannot be divided into tokens of {3} x {4}: both sides must be multiples of {5}. The nearest valid size is {6} x {7}.</source>
        <translation>{1} x {2} 像元的窗口无法切成 {3} x {4} 的 token：两边都必须是 {5} 的倍数。最接近的有效大小为 {6} x {7}。</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>A model for &#x27;{1}&#x27; cannot make predictions by itself. Fine-tune it first, and use the result.</source>
        <translation>用于“{1}”的模型本身不能预测任何内容。请先微调，再使用其结果。</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>The model needs {1} inputs ({2}), but {3} were given.</source>
        <translation>模型接受 {1} 个输入 ({2})，给定的是 {3}。</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card specifies the network &#x27;{1}&#x27;, but this version supports only {2}. Update the plugin, or import the model again.</source>
        <translation>模型卡片中的网络为“{1}”，此版本支持 {2}。请更新插件，或重新导入模型。</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card describes its network &#x27;{1}&#x27; in a way that this version does not support. Update the plugin, or import the model again.</source>
        <translation>模型卡片对其网络“{1}”的描述方式无法由此版本构建。请更新插件，或重新导入模型。</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network has lost its encoder.</source>
        <translation>网络的编码器已丢失。</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network was made without a pixel branch.</source>
        <translation>网络在制作时没有像元分支。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model &#x27;{1}&#x27; is for {2}, but a model for {3} is needed. Choose another model, or use the tool that fits this one.</source>
        <translation>模型“{1}”用于 {2}，此处需要用于 {3} 的模型。请选择其他模型，或使用适合该模型的工具。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>There is no model &#x27;{1}&#x27;. Specify the path of a model file, or the name of an installed model ({2}).</source>
        <translation>没有模型“{1}”。请给出模型文件的路径，或已安装模型的名称 ({2})。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats with &#x27;Import model&#x27; first.</source>
        <translation>“{1}”不是 SpectralGPT 的模型：应为以 .onnx 或 .safetensors 结尾的文件。其他格式请先用“导入模型”导入。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or choose another model.</source>
        <translation>“{1}”无法作为模型读取：它缺失、已损坏或属于其他类型。请重新复制该文件，或选择其他模型。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card, so its bands and classes are not known. Import it with &#x27;Import model&#x27; first.</source>
        <translation>“{1}”不带 SpectralGPT 卡片，因此其波段和类别未知。请先用“导入模型”导入。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The card in &#x27;{1}&#x27; is damaged. Copy the file again.</source>
        <translation>“{1}”内的卡片已损坏。请重新复制该文件。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; was changed or damaged after it was made: its content does not match its checksum. Copy or download it again.</source>
        <translation>模型文件“{1}”在制作之后被更改或损坏：其内容与封签不符。请重新复制或下载。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no checksum. Import or train the model again.</source>
        <translation>模型文件“{1}”没有封签。请重新导入或训练模型。</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no space for a checksum. Import or train the model again.</source>
        <translation>模型文件“{1}”没有放置封签的位置。请重新导入或训练模型。</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} is not responding.</source>
        <translation>文件夹 {1} 没有响应。</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} does not exist, or its drive is not connected.</source>
        <translation>文件夹 {1} 不存在，或其驱动器未连接。</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>{1} is a file, not a folder.</source>
        <translation>{1} 是文件，不是文件夹。</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} cannot be read: {2}.</source>
        <translation>无法读取文件夹 {1}：{2}。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>There is no file &#x27;{1}&#x27;. Specify the path of a checkpoint.</source>
        <translation>没有文件“{1}”。请给出权重文件的路径。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; was not loaded: in addition to weights, it contains {2} type(s) of Python object that could execute code ({3}). Only tensors, plain values and argparse.Namespace are accepted. Use the published file, or save only the weights with torch.save(model.state_dict(), path).</source>
        <translation>“{1}”未加载：除权重外，它还含有 {2} 种可能运行代码的 Python 对象 ({3})。应只含张量、普通值和 argparse.Namespace。请获取已发布的文件，或用 torch.save(model.state_dict(), path) 只保存权重。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. Download it again and compare its size.</source>
        <translation>“{1}”无法作为 PyTorch 权重文件读取：它属于其他类型、不完整或已损坏。请重新下载并核对其大小。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2}, but a dictionary of weights is needed, either directly or under &#x27;model&#x27;. Use one of the published checkpoints.</source>
        <translation>“{1}”含有 {2}，应为权重字典，直接存放或位于 &#x27;model&#x27; 之下。请给出已发布的权重文件之一。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2} entries that are not weights ({3}). Only dense floating-point tensors are accepted. Use one of the published checkpoints.</source>
        <translation>“{1}”含有 {2} 个不是权重的条目 ({3})，应只含稠密浮点张量。请给出已发布的权重文件之一。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT checkpoint: the weights {2} are needed, but {3} was found, among {4} weights ({5}). Use one of the published checkpoints.</source>
        <translation>“{1}”不是 SpectralGPT 权重文件：应有权重 {2}；在 {4} 个权重 ({5}) 中找到 {3}。请给出已发布的权重文件之一。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; has tokens of width {2} at {3} positions, but a width of {4} and a square number of positions are needed. Use one of the published checkpoints.</source>
        <translation>“{1}”在 {3} 个位置有宽度为 {2} 的 token，应为宽度 {4} 且位置数为平方数。请给出已发布的权重文件之一。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head (cls_seg..., head...) among {2} weights. Use one of the published checkpoints.</source>
        <translation>“{1}”含有 SpectralGPT 的编码器，但在 {2} 个权重中既没有其解码器 (decoder_...)，也没有输出头（cls_seg...、head...）。请给出已发布的权重文件之一。</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; does not match SpectralGPT&#x27;s {2} network of {3} weights: {4}. Use the published file as it was downloaded, or specify its type with &#x27;kind&#x27;.</source>
        <translation>“{1}”与 SpectralGPT 含 {3} 个权重的 {2} 网络不符：{4}。请给出下载时原样的已发布文件，或用 &#x27;kind&#x27; 选择其内容。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo record 8412455. Their licence, CC-BY-4.0, is known from a third party&#x27;s table only: unverified.</source>
        <translation>权重：Hong 等，SpectralGPT: Spectral Remote Sensing Foundation Model，IEEE TPAMI 46(8)，2024，Zenodo 记录 8412455。其许可证 CC-BY-4.0 仅见于第三方的表格：未经核实。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Each window is scaled to 0..1 band by band, as in training.</source>
        <translation>与训练时一样，每个窗口逐波段缩放到 0..1。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source> The meaning of its {1} bands is not known: choose the raster bands manually.</source>
        <translation> 其 {1} 个波段的含义未知：请手动选择栅格的波段。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>{1} {2} Imported; none of its accuracy figures was checked here.</source>
        <translation>{1} {2} 已导入；其数字均未在此检查。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.</source>
        <translation>已发布的 SpectralGPT 主干网络，用于微调；它本身不能预测任何内容。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT change network, fine-tuned by its authors on OSCD.</source>
        <translation>已发布的 SpectralGPT 变化检测网络，由其作者在 OSCD 上微调。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT segmentation network with {1} classes whose names are not in the file.</source>
        <translation>SpectralGPT 语义分割网络，有 {1} 个类别，类别名称不在文件中。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and appends their mean twice. The sources disagree about which ten; these were confirmed by the first author.</source>
        <translation>已发布的 SpectralGPT 语义分割网络，由其作者在 SegMunich 上微调。它接受十个波段，并将其均值附加两次。对于是哪十个波段，各来源说法不一：此处为其第一作者确认的波段。</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, and scaling by window is an assumption.</source>
        <translation>SpectralGPT 场景分类器，类别名称和归一化方式不在文件中：名称为数字，按窗口缩放为假定。</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; has no parameter &#x27;{2}&#x27;. Available: {3}.</source>
        <translation>“{1}”没有参数“{2}”。它有：{3}。</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; needs the parameter &#x27;{2}&#x27;: {3}.</source>
        <translation>“{1}”需要参数“{2}”：{3}。</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}; expected {4} ({5}).</source>
        <translation>“{2}”的参数“{1}”为 {3}；应为 {4} ({5})。</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is &#x27;{3}&#x27;; choose one of: {4}.</source>
        <translation>“{2}”的参数“{1}”为“{3}”；请选择以下之一：{4}。</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}, but it must be between {4} and {5}.</source>
        <translation>“{2}”的参数“{1}”为 {3}；必须介于 {4} 和 {5} 之间。</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The archive {1} cannot be read: it is damaged, incompletely downloaded, or its type does not match its name. Download it again.</source>
        <translation>无法读取压缩包 {1}：它已损坏、下载不完整，或其类型与名称不符。请重新下载。</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The metadata file &#x27;{1}&#x27; of the product cannot be read: it is damaged or incompletely downloaded. Download the product again.</source>
        <translation>无法读取产品的元数据文件“{1}”：它已损坏或下载不完整。请重新下载产品。</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no file or folder &#x27;{1}&#x27;. Choose the folder of a satellite product, its .zip or .tar, or any of its files.</source>
        <translation>没有文件或文件夹“{1}”。请给出卫星产品的文件夹、其 .zip 或 .tar，或其中任意一个文件。</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>&#x27;{1}&#x27; is a compressed archive whose files cannot be read one by one. Unpack it, and choose the folder. A .zip or a .tar does not have to be unpacked.</source>
        <translation>“{1}”是压缩归档，其中的部分无法单独读取。请解压后给出文件夹；.zip 或 .tar 可直接给出。</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no archive on this computer in &#x27;{1}&#x27;. Choose a .zip or .tar on a local or network drive.</source>
        <translation>“{1}”中没有本机上的压缩包。请给出位于磁盘上的 .zip 或 .tar。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive has been reprocessed.</source>
        <translation>这是 2016 年 12 月之前旧格式的 Sentinel-2 产品。请重新下载同一景：存档已重新处理。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole product.</source>
        <translation>有 Sentinel-2 产品的文件，但其上级没有元数据文件 MTD_MSIL2A.xml 或 MTD_MSIL1C.xml；没有它就无法得知数值的比例和偏移。请下载完整产品。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale and offset of the values are unknown. Download the product bundle.</source>
        <translation>有 Landsat 产品的文件，但没有元数据文件（名称以 _MTL.txt 结尾）；没有它就无法得知数值的比例和偏移。请下载完整的产品包。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is an HLS product of version 1. Download version 2.</source>
        <translation>这是第 1 版 HLS 产品。请下载第 2 版。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be opened.</source>
        <translation>这是其他卫星或级别的产品。可以打开 Sentinel-2 Level-1C 和 Level-2A。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; contains {2} products: {3}. Choose one of these files, or the folder or archive of one product.</source>
        <translation>“{1}”中有 {2} 个产品：{3}。请给出其中一个文件，或单个产品的文件夹或压缩包。</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 product (folder).</source>
        <translation>“{1}”不属于任何可打开的卫星产品。应为 Sentinel-2 产品（.SAFE 文件夹或 .zip，Level-1C 或 Level-2A）、Landsat Collection 2 产品（文件夹或 .tar）或第 2 版 HLS 产品（文件夹）。</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The HLS product {1} lacks {2} of its bands: {3}. Download all of its files into one folder.</source>
        <translation>HLS 产品 {1} 缺少 {2} 个波段：{3}。请将其所有文件下载到一个文件夹。</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The product&#x27;s file Fmask is missing: no clouds are masked.</source>
        <translation>产品缺少文件 Fmask：未掩膜任何云。</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>&#x27;{1}&#x27; does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI (collection {2}, sensor {3}). Download the scene from Collection 2, best as Level-2 (surface reflectance).</source>
        <translation>“{1}”描述的不是具有 TM、ETM+ 或 OLI 反射率的 Landsat Collection 2 产品（collection {2}，传感器 {3}）。请从 Collection 2 下载该景，最好是 Level-2（地表反射率）。</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: it is incompletely downloaded or unpacked. Download it as a whole (the product bundle).</source>
        <translation>产品缺少 {1} 个文件，例如“{2}”：下载或解压不完整。请下载完整产品（产品包）。</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product&#x27;s file QA_PIXEL is missing: no clouds are masked.</source>
        <translation>产品缺少文件 QA_PIXEL：未掩膜任何云。</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Reading the product&#x27;s metadata</source>
        <translation>正在读取产品的元数据</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Product: {1}, taken {2}.</source>
        <translation>产品：{1}，获取时间 {2}。</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The band files in this archive are compressed, so they are decompressed each time they are read. Maps are faster from the unpacked product.</source>
        <translation>此压缩包中的波段文件已压缩，每次读取都要解压：使用解压后的产品制图更快。</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Opening the band files</source>
        <translation>正在打开波段文件</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Computing the colour stretch</source>
        <translation>正在确定颜色</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} bands on a grid of {2} x {3} pixels of {4} m: {5}.</source>
        <translation>{1} 个波段，格网为 {2} x {3} 个 {4} m 像元：{5}。</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Masking clouds</source>
        <translation>正在掩膜云</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} % of the scene is masked as clouds or shadows, according to the product&#x27;s {2}.</source>
        <translation>根据产品自带的 {2}，场景的 {1} % 被掩膜为云或阴影。</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The files of the product do not cover the same ground: &#x27;{1}&#x27; differs from the others. Files of several products may be mixed in one folder: download the product again into a folder of its own.</source>
        <translation>产品的文件覆盖的地面不同：“{1}”与其他文件不一致。可能一个文件夹中混有多个产品的文件：请将产品重新下载到单独的文件夹。</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>With pixels of {1} m, the product of {2} x {3} pixels would have {4} x {5}. Give a resolution near its own, {6} m, or 0 for that.</source>
        <translation>像元为 {1} m 时，{2} x {3} 像元的产品将有 {4} x {5}。请给出接近其自身 {6} m 的分辨率，或 0 表示采用自身分辨率。</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The metadata file &#x27;{1}&#x27; lists {2} tiles and the files of {3} bands, but one tile with all bands and the scale of their values is needed. The product has the format used before December 2016, or it is damaged. Download it again.</source>
        <translation>元数据文件“{1}”列出了 {2} 个图幅和 {3} 个波段的文件；应为一个图幅，包含所有波段及其数值比例。它是旧格式（2016 年 12 月之前）或已损坏：请重新下载产品。</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: its download or unpacking is incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that resolution.</source>
        <translation>产品缺少 {1} 个文件，例如“{2}”：下载或解压不完整。请重新下载或解压。如果只下载了 20 或 60 m 的文件，请给出该分辨率。</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>scene classification (SCL)</source>
        <translation>场景分类（SCL）</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product&#x27;s scene classification (SCL) is missing: no clouds are masked.</source>
        <translation>产品缺少场景分类（SCL）：未掩膜任何云。</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask.</source>
        <translation>产品没有可读取的云掩膜：处理基线 04.00（2022 年 1 月）之前的 Level-1C 产品只有多边形。未掩膜任何云；同一日期的 Level-2A 可以掩膜。</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object on a single line: {1}.</source>
        <translation>作业不是单行的 JSON 对象：收到 {1}。</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object: {1}.</source>
        <translation>作业不是 JSON 对象：收到 {1}。</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The engine ran out of memory. Close other programs, or work on a smaller area.</source>
        <translation>引擎内存不足。请关闭其他程序，或在较小的区域上工作。</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>An unexpected error occurred in the engine ({1}: {2}). Please report it.</source>
        <translation>引擎遇到意外错误（{1}：{2}）。请报告此问题。</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model &#x27;{1}&#x27; comes with the plugin and cannot be renamed.</source>
        <translation>模型“{1}”随插件提供，名称保持不变。</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>&#x27;{1}&#x27; cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( ).</source>
        <translation>“{1}”不能作为文件名。请使用字母、数字、空格以及符号 _ - + ( )。</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>There is already a model &#x27;{1}&#x27; in {2}. Choose another name.</source>
        <translation>{2} 中已有模型“{1}”。请选择其他名称。</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model has been renamed, but its old file &#x27;{1}&#x27; could not be deleted: {2}. Delete it manually.</source>
        <translation>模型已采用新名称，但其旧文件“{1}”无法移除：{2}。请自行移除。</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model.</source>
        <translation>模型“{1}”没有可作为起始的 SpectralGPT 编码器。请选择主干网络，或通过微调制作的模型。</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; can only make predictions, and there is no {2} next to it to train from. Choose a backbone, or a model that you fine-tuned.</source>
        <translation>模型“{1}”只能用于预测，其旁边没有可用于训练的 {2}。请选择主干网络，或您微调过的模型。</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1}Epoch {2} of {3}, loss {4}</source>
        <translation>{1}第 {2} 轮，共 {3} 轮，损失 {4}</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} is not a checkpoint of a training run, or it is damaged. Delete it to start from the beginning.</source>
        <translation>{1} 不是训练运行的检查点，或已损坏。请将其删除以从头开始。</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} belongs to a run with different settings. Delete it to start from the beginning, or continue with the settings it was made with.</source>
        <translation>{1} 属于使用其他设置的运行。请将其删除以从头开始，或用当时的设置继续。</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>The checkpoint {1} could not be written: the disk is full, or the folder is read-only. Free some space, or fix the folder, and run the same command again. It continues from the last checkpoint.</source>
        <translation>无法写入检查点 {1}：磁盘已满，或文件夹不可写。请腾出空间或修复文件夹，然后重新运行：将从最后一个检查点继续。</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>Change detection needs two classes, unchanged and changed, but the labels have {1} ({2}). Merge them into two.</source>
        <translation>变化要从未变化和已变化两个类别学习；标注有 {1} 个 ({2})。请将它们合并为两个。</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>It is not clear which of the labels &#x27;{1}&#x27; and &#x27;{2}&#x27; means change. Name them &#x27;unchanged&#x27; and &#x27;changed&#x27;, or 0 and 1.</source>
        <translation>无法判断标签“{1}”和“{2}”中哪一个表示变化。请将它们命名为 &#x27;unchanged&#x27;（未变化）和 &#x27;changed&#x27;（已变化），或 0 和 1。</translation>
    </message>
    <message>
        <location filename="../engine/train/device.py"/>
        <source>A GPU was requested, but PyTorch cannot find one. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install a version of PyTorch that fits the GPU driver.</source>
        <translation>要求使用 GPU，但 torch 在此处找不到 GPU。请选择设备“auto”（自动）或“cpu”（处理器），或安装与 GPU 驱动程序相符的 torch。</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Mean overlap (IoU) on held-back labels before training: {1}</source>
        <translation>之前在保留标注上的平均重叠度 (IoU)：{1}</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels</source>
        <translation>按整个位置留出的标注，取这些标注上最佳的轮次</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Stopped before the end of the first epoch. The model with an unchanged backbone is kept.</source>
        <translation>在第一轮结束之前停止：保留基于冻结特征的输出头。</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back labels ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>训练编码器没有改进留出标注的分类图（{1} 对 {2}）：保留基于冻结特征的输出头。</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Expected a Predictor, given {1}.</source>
        <translation>应为 Predictor，给定的是 {1}。</translation>
    </message>
    <message>
        <location filename="../engine/train/head_tuning.py"/>
        <source>labels of {1} places in {2} parts, each held back in turn; the model was then trained on all of them</source>
        <translation>{1} 个位置的标注分为 {2} 份，依次留出；之后模型用全部标注拟合</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>Assessing accuracy, part {1} of {2}</source>
        <translation>正在评价，第 {1} 部分，共 {2} 部分</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>No labels could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Draw every class in at least two places.</source>
        <translation>没有留出任何内容来评价模型：有一个类别只在一处标注（相距不足 {1} 像元）。请在至少两处绘制每个类别。</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No raster was specified. Choose the rasters with the labelled areas.</source>
        <translation>未给出栅格。请选择含有标注地面的栅格。</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>There are {1} rasters of the first date and {2} of the second. Specify one of the second date for each of the first, in the same order.</source>
        <translation>第一个日期有 {1} 幅栅格，第二个日期有 {2} 幅。请为第一个日期的每幅栅格给出一幅第二个日期的栅格，顺序相同。</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>Rasters of a second date were specified, but the task is {1}. Choose change-detection, or leave them out.</source>
        <translation>给出了第二个日期的栅格，但任务是 {1}。请选择变化检测 (change-detection)，或去掉这些栅格。</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1} is left out: {2}</source>
        <translation>未使用 {1}：{2}</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>The labels {1} do not overlap any of the {2} rasters. Choose rasters of the labelled area, or check the CRS of both.</source>
        <translation>标注 {1} 不在 {2} 幅栅格中的任何一幅上。请选择标注所在地点的栅格，或检查两者的 CRS。</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No pixel of the rasters is labelled as {1}: the labels of this class lie elsewhere. Draw some on the rasters, or leave out the class.</source>
        <translation>栅格中没有像元标注为 {1}：该类别的标注在别处。请在栅格上绘制一些，或去掉该类别。</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1}: some bands are missing that other rasters have. The model is trained without these bands on all rasters.</source>
        <translation>{1}：缺少其他栅格具有的一些波段。模型在所有栅格上都不使用这些波段学习。</translation>
    </message>
    <message>
        <location filename="../engine/train/made_model.py"/>
        <source>{1} cannot be stored.</source>
        <translation>{1} 无法存储。</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>The backbone already processed {1} of {2} views of the windows in an earlier run.</source>
        <translation>主干网络在之前的运行中已看过 {2} 个窗口视图中的 {1} 个。</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels; the model was then trained on all of them</source>
        <translation>按整个位置留出的标注，取这些标注上最佳的轮次；之后模型用全部标注训练</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed. Draw more labels where the raster has valid pixels.</source>
        <translation>留出的所有标注在栅格中均为无数据，因此无法评价模型。请在栅格有值的地方绘制更多标注。</translation>
    </message>
    <message>
        <location filename="../engine/train/masked_pretraining.py"/>
        <source>Stage {1} of {2}. </source>
        <translation>第 {1} 阶段，共 {2} 个阶段。 </translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1} ({2})</source>
        <translation>方法：{1}（{2}）</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1}</source>
        <translation>方法：{1}</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>for change in other places, an unchanged backbone with a trained head works best</source>
        <translation>主干网络保持不变、只拟合输出头时，在其他地方发现变化的效果最好</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with only {1} labelled places, the backbone stays unchanged and only a head is trained</source>
        <translation>{1} 个已标注位置较少：主干网络保持不变，只拟合输出头</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and a GPU, all weights are trained</source>
        <translation>{1} 个已标注位置，且有 GPU：训练全部权重</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and no GPU, a small part of the backbone is trained</source>
        <translation>{1} 个已标注位置，没有 GPU：训练主干网络的少量权重</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} million weights in the backbone and no GPU, the backbone stays unchanged and only a head is trained</source>
        <translation>主干网络有 {1} 百万个权重，且没有 GPU：保持不变，只拟合输出头</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The truth has the shape {1}, but the prediction {2}: they must be the same.</source>
        <translation>真值的形状为 {1}，预测的形状为 {2}：应相同。</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The {1} contains values {2}..{3}, but only 0..{4} are possible.</source>
        <translation>{1} 的值为 {2}..{3}，应为 0..{4}。</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>Computing features</source>
        <translation>正在计算特征</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check its no-data value.</source>
        <translation>所有已标注的像元在栅格中均为无数据。请在栅格有值的地方绘制标注，或检查其无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All pixels labelled as {1} are no-data in the rasters. Draw some where the raster has valid pixels, or leave out the class.</source>
        <translation>所有标注为 {1} 的像元在栅格中均为无数据。请在栅格有值的地方绘制一些，或去掉该类别。</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>{1} has no features of pixels.</source>
        <translation>{1} 没有像元特征。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>{1} completed epochs are saved in {2}. Run the same command again to continue.</source>
        <translation>{2} 中保留了 {1} 个已完成的轮次：以相同设置再次运行即可继续。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Nothing was saved, because no checkpoint folder was specified.</source>
        <translation>由于未给出检查点文件夹，没有保留任何内容。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Cancelled. {1}</source>
        <translation>已取消。{1}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery is loaded into GPU memory, and patches are cut there.</source>
        <translation>影像已读入 GPU 显存；图块在其中裁取。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery does not fit into GPU memory together with the other data. Patches are read from disk as needed.</source>
        <translation>显存已被其他程序占用，放不下：改为按需读取。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error of hidden values in normalised units, on windows that were held back; &#x27;interpolation&#x27; fills each band from its visible tokens by distance, &#x27;mean&#x27; by their mean</source>
        <translation>留出窗口上被遮蔽值的均方误差（归一化单位）；“插值”按距离用可见标记填充各波段，“平均值”用其平均值填充</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, from random weights ({1}).</source>
        <translation>在自有影像上无标注预训练的 SpectralGPT，从随机权重（{1}）开始。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, continuing from {1}.</source>
        <translation>在自有影像上无标注预训练的 SpectralGPT，从 {1} 继续。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>masked pretraining, progressively over windows and mask ratios</source>
        <translation>遮蔽预训练，窗口和遮蔽率逐步递进</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The model &#x27;{1}&#x27; has no decoder for pretraining. Choose a backbone.</source>
        <translation>模型“{1}”没有用于预训练的解码器。请选择主干网络。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use larger rasters, or at least ten.</source>
        <translation>影像太小，无法留出任何部分：无法在网络未见过的地面上评价它。请给出更大的栅格，或至少十幅。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} of the rasters, such as {2}, have changed since the run in {3} began. The rest of the run uses them as they are now. Delete this folder to start from the beginning.</source>
        <translation>自 {3} 中的运行开始以来，有 {1} 个栅格（例如 {2}）已被更改：其余训练将使用它们现在的内容。要重新开始，请删除该文件夹。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} rasters, {2} megapixels; {3} windows held back. Network with {4} million weights; {5} process(es).</source>
        <translation>{1} 幅栅格，{2} 百万像元；留出 {3} 个窗口。网络含 {4} 百万个权重；{5} 个进程。</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>Stage {1} has windows of {2} px, but its largest raster has only {3} x {4} px. The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller windows, or larger rasters.</source>
        <translation>阶段 {1} 的窗口为 {2} 像元，大于其最大的栅格（{3} x {4} 像元）：窗口由较少的像元放大而来，耗时且学到的很少。请使用更小的窗口或更大的栅格。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>{1} labelled scenes are left out, because less than half of their pixels are valid.</source>
        <translation>{1} 个已标注的场景未使用：有效像元不足一半。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes where the raster has valid pixels, or check its no-data value.</source>
        <translation>没有可用的已标注场景：每个场景的有效像元都不足一半。请在栅格有值的地方标注场景，或检查其无数据值。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>{1} on held-back scenes before training: {2}</source>
        <translation>此前在留出场景上的 {1}：{2}</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>scenes held back in whole places, at the best epoch according to the same scenes</source>
        <translation>按整个位置留出的场景，取这些场景上最佳的轮次</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back scenes ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>训练编码器没有改进留出场景的标签（{1} 对 {2}）：保留基于冻结特征的输出头。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose change-detection.</source>
        <translation>给出了第二个日期的栅格，但场景只有一个日期。请去掉这些栅格，或选择变化检测 (change-detection)。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>Touching scenes had to be assigned to different parts, because there are too few others. The accuracy figures are too optimistic. Draw scenes in more places.</source>
        <translation>由于其他场景太少，相接的场景被分到了不同的部分：这会使模型的数字偏高。请在更多位置绘制场景。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>No scenes could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Label every class in at least two places.</source>
        <translation>没有留出任何内容来评价模型：有一个类别只在一处标注（相距不足 {1} 像元）。请在至少两处标注每个类别。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_samples.py"/>
        <source>{1} has no features of scenes.</source>
        <translation>{1} 没有场景特征。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Without held-back scenes, it is not known whether training the backbone helps. The model with an unchanged backbone is kept.</source>
        <translation>没有留出场景，就无法看出训练编码器是否有帮助：保留基于冻结特征的输出头。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Learning small image patterns</source>
        <translation>正在学习小影像块的样子</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Training and assessing the last layer</source>
        <translation>正在拟合并评价最后一层</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>scenes of {1} places in {2} parts, each held back in turn (small image patterns were learned from all of them, without labels); the model was then trained on all of them</source>
        <translation>{1} 个位置的场景分为 {2} 份，依次留出（图块由全部场景在不使用标注的情况下学习）；之后模型用全部场景拟合</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>No usable scene is labelled as {1}. Label some on the rasters, or leave out the class.</source>
        <translation>没有可用的场景标注为 {1}。请在栅格上标注一些，或去掉该类别。</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>{1}: fewer than {2} scenes. Label more of them: accuracy figures from so few are not reliable.</source>
        <translation>{1}：场景少于 {2} 个。请标注更多；如此少的场景得出的数字说明不了多少问题。</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory even for a batch of {1}. Choose a smaller network or window, close other programs, or use another device.</source>
        <translation>内存甚至不足以处理批大小 {1}。请选择更小的网络或窗口、关闭其他程序，或在其他设备上计算。</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory for a batch of {1}: trying {2}.</source>
        <translation>内存不足以处理批大小 {1}：尝试 {2}。</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but {3} is expected, for instance 64:20:1e-3 or 128:10:5e-4:0.9:*summer*. Separate stages by ;.</source>
        <translation>阶段 {1} 为“{2}”，应为 {3}，例如 64:20:1e-3 或 128:10:5e-4:0.9:*summer*。阶段之间以 ; 分隔。</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>The stages &#x27;{1}&#x27; contain no stage. Specify {2}.</source>
        <translation>“{1}”中没有阶段，应为 {2}。</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} has a window of {2} px, but it must be a multiple of the network&#x27;s patch of {3} px. Use {4} or {5}.</source>
        <translation>阶段 {1} 的窗口为 {2} px，应为网络图块大小 {3} px 的倍数。请使用 {4} 或 {5}。</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} hides {2} of the {3} tokens of a {4} px window, so none stays visible. Reduce the mask ratio, or use a larger window.</source>
        <translation>阶段 {1} 遮蔽了 {4} px 窗口的 {3} 个 token 中的 {2} 个：没有任何可见部分。请降低遮蔽率，或使用更大的窗口。</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>No raster name matches &#x27;{1}&#x27;. The rasters are: {2}{3}. Use * for any text in the pattern.</source>
        <translation>没有名称与“{1}”相符的栅格。现有栅格为：{2}{3}。在模式中用 * 表示任意文本。</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but the window and the epochs must be at least 1, the learning rate above 0 and at most 1, and the mask ratio between 0 and 1.</source>
        <translation>阶段 {1} 为“{2}”：窗口和轮数必须至少为 1，学习率必须大于 0 且最大为 1，遮蔽率必须介于 0 和 1 之间。</translation>
    </message>
    <message>
        <location filename="../engine/train/supervised.py"/>
        <source>Fine-tuning takes a Predictor, given {1}. Wrap the network and its card in one.</source>
        <translation>微调接受 Predictor，给定的是 {1}。请将网络及其卡片包装为 Predictor。</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>labels held back in whole places</source>
        <translation>按整个位置留出的标注</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>Average precision on held-back labels: {1} pixel by pixel, {2} with the surroundings of the pixels</source>
        <translation>留出标注上的平均精度：逐像素 {1}，结合周围环境 {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/trainer.py"/>
        <source>The loss became {1} at step {2} (epoch {3}), with a learning rate of {4}. Reduce the learning rate or limit the gradient, and check the data for values that are not finite.</source>
        <translation>在第 {2} 步（第 {3} 轮）损失变为 {1}，学习率为 {4}。请降低学习率或限制梯度，并检查数据中是否有非有限值。</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>Trained on the user&#x27;s own labels of {1} classes ({2}), starting from {3}.</source>
        <translation>由自有的 {1} 个类别 ({2}) 的标注制作，起始于 {3}。</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>not assessed: no labels could be held back</source>
        <translation>未评价：没有可留出的标注</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>{1} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify another one.</source>
        <translation>无法读取 {1}，因此无法接续此文件夹中的运行。请删除该文件夹，或另给一个。</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The folder {1} contains a run with different settings ({2}). Use the same settings to continue it, specify another folder, or delete the folder.</source>
        <translation>文件夹 {1} 中有使用其他设置的运行 ({2})。请给出相同的设置以继续，或使用其他文件夹，或将其删除。</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The checkpoint folder {1} cannot be written. Choose another one.</source>
        <translation>无法写入检查点文件夹 {1}。请另选一个。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/base_python.py"/>
        <source>No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it (from python.org, or with &#x27;sudo apt install python3-venv&#x27;), then try again.</source>
        <translation>未找到合适的 Python：引擎需要带有 venv 模块的 64 位 Python 3.9 到 3.14。请安装一个（从 python.org，或用 &#x27;sudo apt install python3-venv&#x27;），然后重试。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine failed without an error message.</source>
        <translation>引擎失败，且未说明原因。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine could not be started: {1} ({2}). Install or repair it in the settings under SpectralGPT.</source>
        <translation>无法启动引擎：{1} ({2})。请在设置的 SpectralGPT 中安装或修复。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The last installation of the engine was not completed. Install it again.</source>
        <translation>引擎的上次安装未能完成。请重新安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is not installed yet. Install it in the settings.</source>
        <translation>引擎尚未安装。请在设置中安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine&#x27;s record is damaged. Repair the engine.</source>
        <translation>引擎的记录已损坏。请修复引擎。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The Python installation that the engine is based on was removed or replaced. Repair the engine.</source>
        <translation>建立引擎所用的 Python 已不存在或已被替换。请修复引擎。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The plugin was updated and needs other versions of the engine&#x27;s libraries. Update the engine.</source>
        <translation>插件已更新，并要求引擎库的其他版本。请更新引擎。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is installed ({1}).</source>
        <translation>引擎已安装 ({1})。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The disk of {1} has {2} GB of free space, but the installation needs {3} GB. Free some space, or choose another folder for the engine.</source>
        <translation>{1} 所在磁盘有 {2} GB 可用空间，而安装需要 {3} GB。请腾出空间，或为引擎选择其他文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or reduce the number of threads, and run it again.</source>
        <translation>引擎内存不足或被系统终止。请关闭其他程序、选择更小的范围或减少线程数，然后重新运行。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>Repair the engine in the settings under SpectralGPT.</source>
        <translation>请在设置的 SpectralGPT 中修复引擎。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device &#x27;cpu&#x27;. If it happens again, update the graphics driver. </source>
        <translation>引擎在其某个库中崩溃（访问冲突，0xC0000005）。请尝试设备“cpu”（处理器）；如果再次发生，请更新显卡驱动程序。 </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library that the engine needs was not found (0xC0000135). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart QGIS. </source>
        <translation>未找到引擎所需的库 (0xC0000135)。请安装 &#x27;Microsoft Visual C++ Redistributable&#x27; (x64)，然后重新启动 QGIS。 </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine could not start (0xC0000142). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart Windows.</source>
        <translation>引擎的某个库无法启动 (0xC0000142)。请安装 &#x27;Microsoft Visual C++ Redistributable&#x27; (x64)，然后重新启动 Windows。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine is damaged or not 64-bit (0xC000007B). </source>
        <translation>引擎的某个库已损坏或不是 64 位 (0xC000007B)。 </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine needs an instruction that this processor does not support (0xC000001D).</source>
        <translation>引擎使用了此处理器不支持的指令 (0xC000001D)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine was interrupted (0xC000013A).</source>
        <translation>引擎被中断 (0xC000013A)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>{1} It is limited to {2} MB of memory, which may not be enough. See the memory limit under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation>{1} 它最多可使用 {2} MB 内存，这可能太少：请查看 设置 &gt; 选项 &gt; SpectralGPT 中的内存限制。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped responding and was terminated. Run it again.</source>
        <translation>引擎停止响应，已被终止。请重新运行。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped without a result (exit code {1}).</source>
        <translation>引擎未作应答即结束（退出代码 {1}）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_lock.py"/>
        <source>The engine is being installed by another process (number {1}). Wait until it is done, or end that process, and try again.</source>
        <translation>另一个进程（编号 {1}）正在安装引擎。请等待其结束，或将其结束，然后重试。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The disk is full. Free some space, or choose another folder for the engine in the settings.</source>
        <translation>磁盘已满。请腾出空间，或在设置中为引擎选择其他文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The system&#x27;s security software (antivirus or application control) stopped the installation. Ask your administrator to allow the engine&#x27;s folder, or choose another one in the settings.</source>
        <translation>系统的防护（杀毒软件或应用程序控制）阻止了安装。请让管理员允许引擎的文件夹，或在设置中另选一个。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A file of the engine is in use. Wait until running jobs are done, or restart QGIS.</source>
        <translation>引擎的某个文件正在使用中。请等待正在运行的作业结束，或重新启动 QGIS。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>You do not have write access to the engine&#x27;s folder. Choose another folder in the settings, or have its permissions changed.</source>
        <translation>没有权限写入引擎的文件夹。请在设置中选择您自己的文件夹，或请人更改其权限。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The path of the engine&#x27;s folder is too long for Windows. Choose a shorter one in the settings.</source>
        <translation>引擎文件夹的路径对 Windows 来说太长。请在设置中选择较短的路径。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects traffic. Specify your organisation&#x27;s CA file in the settings, or use a folder of wheels.</source>
        <translation>软件包服务器的证书未被接受，这在公司的检查型代理之后会发生。请在设置中给出公司的 CA 文件，或使用 wheel 文件夹。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The proxy refused the connection. Check the proxy in the settings (http://user:password@host:port).</source>
        <translation>代理拒绝了连接。请检查设置中的代理 (http://user:password@host:port)。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server denied access (401 or 403). Check the address and password of the package index in the settings.</source>
        <translation>软件包服务器拒绝访问（401 或 403）。请检查设置中索引的地址和密码。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server could not be reached. Check the network and, in the settings, the proxy and the package index. Without a network connection, install from a folder of wheels.</source>
        <translation>无法连接到软件包服务器。请检查网络以及设置中的代理和索引；没有网络时，请从 wheel 文件夹安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A package was damaged during download. Run the installation again.</source>
        <translation>收到的软件包已损坏。请重新运行安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The operating system is too old for the engine&#x27;s libraries (its C library lacks functions that they need).</source>
        <translation>系统对引擎的库来说太旧（其 C 库缺少所需的内容）。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>There was not enough memory. Close other programs and run the installation again.</source>
        <translation>内存不足。请关闭其他程序，然后重新运行安装。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>No build of {1} for {2} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in the settings, it may be incomplete.</source>
        <translation>在所查找的位置没有适用于 {2} 的 {1} 构建。请使用 64 位 Python 3.9 到 3.14；设置中指定的镜像可能不完整。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The folder of wheels &#x27;{1}&#x27; is missing or contains no .whl files.</source>
        <translation>wheel 文件夹“{1}”不存在，或其中没有 .whl 文件。</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The CA file &#x27;{1}&#x27; is missing. Correct it in the settings.</source>
        <translation>CA 文件“{1}”不存在。请在设置中更正。</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained on fMoW-S2 for 200 epochs; to train from.</source>
        <translation>12 个 Sentinel-2 波段的主干网络，base 规模，在 fMoW-S2 上预训练 200 轮；用于继续训练。</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>CC-BY-4.0 according to others; read it on the page of the record</source>
        <translation>据他人所述为 CC-BY-4.0；请在记录页面上查看</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained further on BigEarthNet for 100 epochs; to train from.</source>
        <translation>12 个 Sentinel-2 波段的主干网络，base 规模，又在 BigEarthNet 上预训练 100 轮；用于继续训练。</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT tiny, Sentinel-2</source>
        <translation>SpectralGPT tiny，Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A reflectance); the start for models of your own.</source>
        <translation>在 Sentinel-2 的九个波段（L1C 和 L2A 反射率）上无标注预训练的 SpectralGPT；用作您自己模型的起点。</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Urban change, Sentinel-2</source>
        <translation>城市变化，Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the threshold for each scene: about the most changed fortieth of the pixels are marked, fewer where little stands out, more where much has clearly changed. Probabilities are shifted so that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as change, so mask them. Both images should cover the same ground, at least a few square kilometres.</source>
        <translation>Sentinel-2 两个日期（L1C 或 L2A）之间的变化：施工以及建成区或裸地的其他变化。季节和作物的变化不算作变化。水体的出现或消失只能部分发现；移动几个像元的岸线大多会漏掉（Boadella，2020 年 2 月至 6 月，属于训练数据：F1 0.14）。模型对像元排序，阈值在每个场景中确定：大约标出变化最大的四十分之一，突出之处少时更少，确实变化很多时更多；概率栅格会相应平移，使阈值为 0.5。在裸露农田以及几乎没有变化的地方可能误报，在屋顶被相似屋顶替换的地方可能漏报。雪和云会被当作变化：请将其掩膜。两个日期应覆盖相同的地面，至少若干平方公里。</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover (seven classes)</source>
        <translation>土地覆盖（七个类别）</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover of every pixel in seven classes, from one Sentinel-2 image of either level. Learned from very few places: water is dependable; crops against grass and shrubs, and built-up against bare ground, need more than one date or your own labels (fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it looks like.</source>
        <translation>根据一幅 Sentinel-2 影像（任一级别）将每个像元的土地覆盖分为七个类别。只从极少数位置学习：水体可靠；区分作物与草地灌丛、建成区与裸地，需要多个日期或您自己的标注（微调）。云没有类别：请先将其掩膜。湿地会被分为其外观所像的类别。</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Water</source>
        <translation>水体</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Trees</source>
        <translation>树木</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Crops</source>
        <translation>作物</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Built-up</source>
        <translation>建成区</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Bare ground</source>
        <translation>裸地</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Grass and shrubs</source>
        <translation>草地和灌丛</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Snow and ice</source>
        <translation>冰雪</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Scenes of Europe (EuroSAT&#x27;s ten classes)</source>
        <translation>欧洲场景（EuroSAT 的十个类别）</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Labels windows of 640 m with one of EuroSAT&#x27;s ten classes. Learned from 89 labelled chips of Europe in the growing season; other continents, winter, snow and clouds are not among them, and a window with several kinds of land gets the label of one. Herbaceous vegetation, permanent crop and highway are the weakest: look at the probabilities.</source>
        <translation>将 640 m 的窗口标注为 EuroSAT 十个类别之一。由 89 个欧洲生长季的已标注小图学习；其他大洲、冬季、雪和云不在其中，含有多种地类的窗口只得到其中一种的标签。草本植被、多年生作物和公路最弱：请查看概率。</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Annual crop</source>
        <translation>一年生作物</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Forest</source>
        <translation>森林</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Herbaceous vegetation</source>
        <translation>草本植被</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Highway</source>
        <translation>公路</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Industrial</source>
        <translation>工业区</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Pasture</source>
        <translation>牧草地</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Permanent crop</source>
        <translation>多年生作物</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Residential</source>
        <translation>居住区</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>River</source>
        <translation>河流</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Sea or lake</source>
        <translation>海洋或湖泊</translation>
    </message>
</context>
</TS>
