<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en">
<context>
    <name>SpectralGPT</name>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} bands were chosen for {parameter}. Choose one raster band for each, or none to match them automatically.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The layer &#x27;{layer}&#x27; is an image rendered by a web service, with only red, green and blue. The model &#x27;{model}&#x27; needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Imagery</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Mapping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be at least {low:g}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be between {low:g} and {high:g}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but this tool cannot write that type of file. Specify a file name that ends in {expected}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but QGIS cannot open a GeoPackage with a &#x27;;&#x27; in its name, or with a &#x27;%&#x27; followed by two digits (such as %20) in its path. Choose another name or folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. The results so far were kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>The results so far were kept. To continue, run the tool again with the same settings and the same output.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels grid cells or your own polygons with the kind of scene that a raster shows there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Determines what kind of scene each place shows, such as a residential area, a highway or annual crops. Each cell or polygon gets one label as a whole; to classify individual pixels, use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 uses the size that the model was trained on, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter out uncertain ones. Below about 60, the second-best label was close. A multi-label model assigns every label above its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own size)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Bands in the model&#x27;s order (empty = automatic)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Zones to label (instead of a grid)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Limit to these polygons (mask)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labelled scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Scenes labelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Detect change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Maps the changes between two multispectral rasters of the same place.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change depends on the model: the included one detects construction, ignores seasons and crops, and mostly misses rising or falling water.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is resampled to the grid of the first. Choose cloud-free dates, if possible from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: pixels count as changed from this probability on. Leave it empty to use the threshold of the model; raise it if too much is marked as changed, lower it if changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; removes smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are the most certain. Where values are close to the threshold, compare the two images yourself.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Bands of the raster after, if different</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Pixels count as changed from this probability on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Minimum area of a change (m²)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Probability of change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Area of change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Changed area (m²)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Both dates are the same raster &#x27;{}&#x27;, so no change can be detected. Choose the raster of the second date (AFTER).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The rasters &#x27;{before}&#x27; and &#x27;{after}&#x27; do not overlap, so there is nothing to compare. Choose two rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is known.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places whose true class you know. The result shows how much of the map is correct, which classes are confused, and how reliable these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample represents the whole map and gives areas corrected for the errors of the map. You can also use polygons that you chose yourself, but their figures apply only to these places. Never use the labels that the model was trained on.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, if you choose a &lt;b&gt;model&lt;/b&gt;, the image to map with it.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; gives all samples the same weight; &lt;i&gt;auto&lt;/i&gt; uses stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence level&lt;/b&gt; of the intervals: at 95, nineteen out of twenty such intervals contain the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also available as numbers in the Model Designer. Overall accuracy is misleading if one class covers most of the map: check each class in the report.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or the raster to map if a model is chosen</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Reference: points, polygons or a class raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>How the reference was drawn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>stratified: at random within each class of the map. simple: in any other way.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confidence level of the intervals (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>If a model is chosen: bands in its order (empty = automatic)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confusion matrix</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, lower limit of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper limit of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Kappa</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean intersection over union</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean F1 of the classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Places compared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, area-weighted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, lower limit of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, upper limit of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Export model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>model,export,share,ONNX,safetensors,Deepness,weights,convert</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>&lt;p&gt;Writes a model as one file for use elsewhere.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: for ONNX Runtime and for this plugin on another computer. The file carries the model&#x27;s card: its bands with wavelengths, its scaling, its classes with colours, its accuracy and its licence. A model that only has weights is converted to a graph, which is compared with the original.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: for the QGIS plugin Deepness. Values must be reflectance x 10000 and bands in the model&#x27;s order; scene labels become maps with one class per window; for change detection, stack the bands of both dates. The result is compared with the model before it is saved.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: the weights, for further training; only for models that have them.&lt;/p&gt;&lt;p&gt;To create a file for Deepness, or a graph from weights, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine). Observe the licence of the model if you share it.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains weights for further training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Exported model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>ONNX model (*.onnx);;Model to train from (*.safetensors)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Largest difference in a probability</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Choose a model: the name of an installed model, or a model file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>The format &#x27;{format}&#x27; needs a file that ends in {ending}, but the output is &#x27;{output}&#x27;. Change one of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>There is no model &#x27;{name}&#x27;. Choose one of these: {known}; or a model file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Trains a model of your own from a few polygons, points or a class raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Trains a model on your own classes, so that you can map them in other places. It starts from a backbone that was pretrained on multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Create a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on an area that clearly belongs to this class. Include areas that are easily confused, and one class for &#x27;everything else&#x27;. Areas that you do not label are ignored; they do not count as background. If the polygons are spread out, the tool can also measure the accuracy on areas that the model has not seen.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images of the labelled areas. Several images can share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits are included. The model takes over the colours and names of the layer&#x27;s classes.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, with one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; assigns a class to every pixel; &lt;i&gt;scenes&lt;/i&gt; assigns one label to a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, using labels for changed and unchanged areas.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone unchanged and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes a small part of its weights; &lt;i&gt;full&lt;/i&gt; changes all of them and needs many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by the number of labels and your computer, and explains why.&lt;br&gt;&lt;b&gt;Where the model will be used&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it robust to other dates, light and haze; &lt;i&gt;here&lt;/i&gt; is slightly better on these rasters, but may fail on others.&lt;br&gt;&lt;b&gt;Epochs&lt;/b&gt;: how many times the training passes through the labels; with 0, it stops automatically.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the suggested folder it is installed immediately, and the mapping tools list it by its name. A file for further training is written next to it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the accuracy on held-back labels for each class, and how to repeat the training.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Name of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels: polygons, points or a class raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Task of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A class for every pixel, a label for a whole polygon, or change between two dates.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of the second date (for change only)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model to start from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>auto decides by the number of labels and the computer. quick trains only a last layer and takes seconds; adapters also trains a small part of the model; full trains all of it and takes longest.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model will be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes the model robust to other dates, light and haze. here is slightly better on these rasters, but may fail on others.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Epochs (0 = automatic)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, if different</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels held back for validation (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that accuracy is measured on areas that the model has not seen. With 0, all labels are used for training, and the accuracy is not measured.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then contains several labels separated by ; or , or as a list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models for mapping (*.onnx)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>No training data was specified. Choose the rasters with the labelled areas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one of the second date for each of the first, in the same order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were specified, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are only possible for whole scenes, but the task is &#x27;{}&#x27;. Untick this option, or choose the task &#x27;scenes&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes need polygons or points with one label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Land-cover map&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Label scenes&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Detect change&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Import model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Turns a published SpectralGPT checkpoint into a model for this plugin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>&lt;p&gt;Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. Only the weights in the file are read: no code in it is executed, and files with any other content are rejected.&lt;/p&gt;&lt;p&gt;A model made with this plugin on another computer (.onnx, .safetensors) is checked and copied.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file for training, or an .onnx file for mapping. In the model folder of the plugin it appears in the list of models; in any other folder, specify its path as the model.&lt;/p&gt;&lt;p&gt;To import a checkpoint, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Content of the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto detects it from the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Leave empty to use the name of the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model for mapping (*.onnx)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Purpose of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the file that you downloaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>A model is imported without conversion, so the output must end in {ending}, like &#x27;{given}&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; cannot be passed to the engine, which would treat them as classes. Set them in the file instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer with polygons or points, or a class raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that contains the class of each feature. Available fields: {fields}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Available fields: {fields}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>No features are selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The labels &#x27;{layer}&#x27; have only one class: &#x27;{label}&#x27;. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Open satellite product</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,QA_PIXEL,reflectance,import</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>&lt;p&gt;Opens a satellite product as it was downloaded, and combines it into one raster for the other tools, with named bands, values as reflectance, and masked clouds. No pixels are copied: the raster is a small file that refers to the product, so keep the product where it is.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Product&lt;/b&gt;: any file of the product, or its archive: Sentinel-2 Level-2A or Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 (folder). Scripts can also pass the folder.&lt;br&gt;&lt;b&gt;Pixel size&lt;/b&gt;: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for Landsat and HLS. Coarser bands are repeated, finer ones averaged.&lt;br&gt;&lt;b&gt;Mask clouds&lt;/b&gt;: clouds, their shadows and cirrus become no-data, based on the layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the result.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a virtual raster (.vrt), shown in natural colours; the mask is written beside it. Thermal, panchromatic and quality bands are left out.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product (any of its files, or its archive)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Pixel size in metres (0 = the finest)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Mask clouds and their shadows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Masked (percent; -1 without a mask)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise choose one raster band for each band of the model, in the model&#x27;s order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx or .safetensors).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Limit to this extent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is processed. Leave empty for the whole raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processing device</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap between windows (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A larger overlap gives smoother transitions between windows, but takes longer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>First show a quick look at the current map view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A coarse map of the current view appears after a few seconds, while the full result is being computed. It is removed when the run ends.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Write Cloud Optimized GeoTIFFs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>CSV table (*.csv)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pretrain backbone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Trains a backbone of your own from imagery alone, without labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Trains a model from imagery alone: most of each image is masked, and the model learns to reconstruct it. The result is a backbone, from which &#x27;Train model from labels&#x27; creates models for your classes. You do not need this for ordinary work, as the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a kind that the included backbone was not trained on, and a GPU or plenty of time.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data pixels are never used.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to continue training, which is quickest, or a network size to start from random weights: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the stages depend on the amount of imagery.&lt;br&gt;&lt;b&gt;Masked share&lt;/b&gt;: how much of each image is masked; SpectralGPT was trained with 0.9.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is saved there. After an interruption, run the tool again with the same values to continue.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the suggested folder it is installed immediately.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the loss curves, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked image, its reconstruction by the model, and the error. A good backbone reconstructs fields, roads and shorelines in the right places.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Final loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in this folder are used, in addition to those chosen above.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from a backbone, or a network size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Masked share of each image (0.1 to 0.99)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Epochs of every stage (0 = as specified in the stages)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Batch size (0 = depending on memory)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps per epoch (0 = depending on the amount of imagery)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Loss function</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token was used for the published weights; the others also take the shape of the spectrum into account.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Position embedding when the window size changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts again, as in the published method.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is saved there, and an interrupted run continues from it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Backbone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Models to train from (*.safetensors)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Reconstruction</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>No training data was specified. Choose rasters, or a folder of rasters.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&#x27;Train model from labels&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows computed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows skipped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Classes found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Device used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed model, or a model file (.onnx).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model for training. Choose its .onnx file, which makes predictions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is not a model file: its name must end in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or an installed model: {fitting}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose a model for this tool: {fitting}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or specify the path of a model file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>No quick look: there is no map view to show it in.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>land-cover maps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>scene classification</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change detection</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>fine-tuning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be opened. Check its source, or remove it and add it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The extent does not intersect the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a web service without a fixed size. If the tool has an extent parameter, set it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is a service without a size of its own: it is read at {metres:g} m on the ground, there {across:.6g} x {down:.6g} units of {crs}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it has to be copied first: {columns} x {rows} pixels in {count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; has the CRS {given}, but its file specifies {own}. The CRS of the file is used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points from each class of a map, as reference data for accuracy assessment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery and record the true class. &#x27;Evaluate map&#x27; then estimates the accuracy of the map and the true area of each class, with confidence intervals (Olofsson et al. 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 uses as many as are needed for the standard error.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt; of the overall accuracy: 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your estimate of the share of each class that is correct.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all classes the same number, which is best for rare classes.&lt;br&gt;&lt;b&gt;Minimum number of points per class&lt;/b&gt;: with 50 or more, the figures of rare classes are usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at the imagery, and set the field &lt;i&gt;reference&lt;/i&gt; to the class that you see; the form lists the classes of the map. Look at the imagery, not at the map. Points that are not labelled yet are orange. You can stop early: the first points are also a random sample. Do not skip points because they are difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = from the standard error)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Halving it needs four times as many points.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Allocation of the points to the classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Minimum number of points per class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Sample points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&#x27;{name}&#x27; is an image with {bands} bands, not a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Assigns a land-cover class to every pixel of a multispectral raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Assigns a class to every pixel of a multispectral raster, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Both digital numbers and reflectance can be used; the log shows how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match bands by their names or wavelengths. If your raster has neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the area to process, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. No-data pixels remain no-data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are the most certain. Below about 60, the second-best class was close, often at class boundaries or in places unlike the training data: check the image there.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Minimum area of a patch (m²)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Confidence (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Class polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Area of each class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Mapped area (m²)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{value}&#x27; ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, such as 2,3,4,8, or leave it empty to match bands automatically.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed model, or a model file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or one of these: {fitting}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be used for training, which needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or specify the path of a .safetensors file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is now installed. Choose it by this name in {tools}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose the file {path} as the model in {tools}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for rasters)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Text or whole numbers: one value for each class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Selected features only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Only the selected features of the layer are used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of a model file (.safetensors).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Random seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>On the processor, the same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Web page (*.html)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Find places to label next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Finds the places in a raster where a model is least certain, in order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>&lt;p&gt;Finds the places where new labels help a model most: those where its two most probable classes are nearly equal. A few such places improve a model more than many that it already classifies well.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; and &lt;b&gt;model&lt;/b&gt;: the image to map, and the model that you want to improve.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;br&gt;&lt;b&gt;Number of places&lt;/b&gt;: how many places you want to label.&lt;br&gt;&lt;b&gt;Size of a place&lt;/b&gt;: 0 means 10 pixels of the raster.&lt;br&gt;&lt;b&gt;Existing labels&lt;/b&gt;: places that are already labelled are left out, including unsaved edits.&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the search, so a small area is quick even in a large scene.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Places to label&lt;/b&gt;: squares with their rank (1 is the least certain), the uncertainty (0 to 1), and the two most probable classes with their probabilities. Places keep a distance from each other, and if possible no more than half of them are about the same two classes.&lt;/p&gt;&lt;p&gt;Go through them by rank, look at the imagery, and draw polygons of what you see in your label layer. Then train again from the current model, and find the next places.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Number of places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Size of a place (0 = 10 pixels)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Existing labels (left out)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places to label</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>Virtual rasters (*.vrt)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>&#x27;{}&#x27; must be a virtual raster: give a name that ends in .vrt.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>{name} ({word})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>auto</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>cpu</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>segmentation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change-detection</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>backbone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the backbone is not changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>a small part of the model is trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the whole model is trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>anywhere</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>simple</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>stratified</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>proportional</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>equal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>interpolate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>drop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>This tool needs the engine&#x27;s training libraries, which are not installed. Install them with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>SpectralGPT needs its engine, which is not installed yet. Install it with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The engine of SpectralGPT does not work: {reason} Open Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Left: with &#x27;{}&#x27;. Right: the map without it.
Drag the line, or move it with the arrow keys. Press Esc to exit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Compare with the map below</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Band</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Recognised as</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Wavelength</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>For</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Verdict</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Reason</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Use…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Opens the tool with this layer and this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe Layer for Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>No data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Pixel size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>CRS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Image date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Remarks</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>There is no raster layer in this project. Add one to see which models fit it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Reading the bands and values of &#x27;{}&#x27;…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Stopped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>None declared: every pixel is used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The data source of the layer &#x27;{}&#x27; cannot be found. Repair it first (right-click, Change Data Source).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file but a web service or an internal QGIS layer, so its bands and values cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe that layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fine-tuning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Doubtful</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Does not fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Missing: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Works without {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>All of its bands were found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: band {band}, by {how}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: none, {how}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Coastal aerosol</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Blue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Green</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared, narrow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Water vapour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Cirrus</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>By its wavelength</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not recognised</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{} nm</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width:.4g} × {height:.4g} m on the ground</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width} × {height} {unit}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not known</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>SpectralGPT Diagnostics Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Attach this text to a question or an error report. Your home folder, your user name, the name of this computer and any passwords were removed, but please check the text before you send it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Collecting information…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Save…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Save Report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Text files (*.txt)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>The report cannot be saved to {file}: {reason}. Choose another location.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT Engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Repair…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The installation of the engine was not completed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The tools need the SpectralGPT engine, which is not installed yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Not now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is ready.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimates the number of windows, the time, and the memory and disk space needed. Nothing is written.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>First set &#x27;{}&#x27;: it is missing or not valid.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Stop estimating</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {memory} of memory, {disk} of disk space.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {seconds} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {minutes} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {hours} h {minutes} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Help</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Opens the guide page for this window (F1)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Classify land cover…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change with…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Fine-tune…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Describe for models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>The dates of these layers are not known. &#x27;{before}&#x27; was assumed to be the earlier one, because it is above the other in the layer tree. Swap the layers here if this is wrong.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/log_window.py"/>
        <source>Log of {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model, or path of a model file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start from random weights: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Models to train from ({})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models ({})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>{verdict}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Bands, in this order: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Pixel size in training: {:g} m</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Classes: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Licence: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Move the model &#x27;{}&#x27; to the trash?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; was deleted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&amp;Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be restored: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; cannot be moved to the trash. Delete it permanently?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be deleted: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Delete Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Bands, in the order of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Accuracy on data held out of training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>The card has no figures: judge its map with Evaluate map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Data and recipe</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{use}; can be trained further</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{name} ({size})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Name to use in parameters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Ground resolution</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{:g} m</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{0} × {0} pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Origin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Licence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Not stated</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Attribution</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Included in the plugin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>from {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>on {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>band {} of the layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Shared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Included</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Imported</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Trained here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>IoU (intersection over union) is the overlap of map and reference: the area where both show a class, divided by the area where at least one of them does. 1 is best.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>95 % interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean overlap (IoU)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean F1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean average precision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Precision</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Recall</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Samples</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Interpolation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Base</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Field</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Epochs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Stages</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Last loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Processes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Images</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Megapixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seconds</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Windows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Batch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Steps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Learning rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Hidden</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Search models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>All models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>For training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Any layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>F&amp;or</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>La&amp;yer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Rename Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Used in parameters, scripts and file names</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Title</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>File &amp;name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>From another address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Not known: the file cannot be compared with the published one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;SHA-256</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>known only after the download starts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>{about}&lt;br&gt;Size: {size}&lt;br&gt;Licence: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Folders of Shared Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Models in these folders, for instance on a network drive, are also listed; nothing is written there. If several models have the same name, your own comes first, then the shared one, then the included one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Add…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Choose a folder with models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Importing &#x27;{}&#x27;…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>Compare models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>List models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>SpectralGPT Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Import…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import a model file or a checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Download…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Download published weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Export…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Save the model for use elsewhere</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Rename…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Change the title or name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>De&amp;lete…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Move the model to the trash</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Shared folders…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Folders that are used by several people</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Looking for installed models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>No model matches. Change the search text, or choose all models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file, so its bands cannot be compared with the models. Save it as a GeoTIFF first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Models and checkpoints ({})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Cancelled.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Import {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model &#x27;{}&#x27; was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Rename {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model is now called &#x27;{}&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Download {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>{there} of {whole}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Another model is being processed. Wait until it is done, or cancel it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>&#x27;{}&#x27; is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint (.pth).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work_row.py"/>
        <source>&amp;Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Default settings of the tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Automatic: the GPU if it works, otherwise the processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>GPU only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>All ({})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source> MB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>No limit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>A job that needs more memory ends with a message instead of slowing down the computer. This applies to the computer&#x27;s memory, not to that of a GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>This limit is not available on macOS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Pr&amp;ocessing device</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor t&amp;hreads</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Memory &amp;limit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Checking the engine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Install</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Verify</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Repair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remov&amp;e…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Tests the engine&#x27;s libraries, the processor and the GPU with a real computation.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installs the engine again; the old one is kept until the new one works.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Removes the engine. Your own models are kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>The engine in use was not changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log and diagnostics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Messages of the engine appear here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Diagnostics report…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Versions, settings and the last messages, without personal data, to send with a question.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Update</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the Engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{} MB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{:.1f} GB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is installed and ready.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine works. An update is available.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is not installed yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine computes the maps in a separate process. It is downloaded once into your own folder and does not change QGIS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps and training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>For {what}, on {device}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{size} in {place}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Folder: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Nothing is downloaded: the packages come from the folder of wheels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The download size is not known for this system.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Download size: {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed} ({free} available).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Not tested on this computer yet. Verify tests the processor and the GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Tested {}:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>works</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>not available</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{milliseconds:g} ms for {side} x {side} pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Graphics cards: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU for training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine passed its test.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Python {python} on {platform}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Libraries: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Cancelling…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Failed: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>&amp;Maps with existing models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Maps, import of checkpoints and &amp;training of your own models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Support for an NVIDIA &amp;GPU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Package sizes for this system, as of {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Network and folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Taken from the environment variable {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Package index</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Proxy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Folder for the engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/parameter_widget.py"/>
        <source>{} [optional]</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/product_menu.py"/>
        <source>Open its whole product…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Open report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Show log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The model &#x27;{}&#x27; is ready.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Added to the project: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The report is ready: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/swipe_line.py"/>
        <source>Line between the two maps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>Held-back scenes: mean average precision {:.2f} (1 is best).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>The accuracy of the model is not known, because no labels could be held back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>They lie in one place, so no confidence interval can be given.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>The bands of &#x27;{}&#x27; will be matched when training starts.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>Bands found: {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Prec.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Precision (user&#x27;s accuracy): the share of the pixels mapped as this class that really belong to it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Recall (producer&#x27;s accuracy): the share of the pixels of this class that were mapped as this class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>F1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>The harmonic mean of precision and recall.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (IoU)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does. 100 % is best.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Not known: no label of this class is held back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove class &#x27;{}&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join class &#x27;{gone}&#x27; with &#x27;{kept}&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>There is a class &#x27;{}&#x27; already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join &#x27;{}&#x27; with it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>The layer &#x27;{}&#x27; cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use that.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Draw</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop drawing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Add class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Removes the chosen class and its labels. Use Undo to restore them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>No pixel of the raster has this value.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Labelled area in pixels of the first raster, including unsaved edits.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Double-click to choose another colour.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{} (double-click to rename)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Draw polygons of &#x27;{}&#x27;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Colour of the class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped correctly ({share})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped as {mapped} ({share})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Reference ↓</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Mapped as →</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Sum</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/curve_chart.py"/>
        <source>best</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Fine-tune a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The engine&#x27;s training libraries are missing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Training… You can continue drawing in the meantime.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>1 Imagery and labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>2 Train</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>3 Result</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Available after training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/engine_missing.py"/>
        <source>En&amp;gine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, based on an earlier training on this computer ({earlier}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, measured on another computer. After your first training, the time of this computer is shown.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: not known before the first training of this kind on this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{hours} h {minutes} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>&amp;Train</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>Ready to train.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Map of classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One class for every pixel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One label for each polygon or grid cell.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Where two dates differ.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Tas&amp;k</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster that you want to label.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster of the second date.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Both dates are the same raster. Choose a different one for the second date.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Checking the bands…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Unchanged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_counter.py"/>
        <source>Counting the labels of {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The file {} already exists and was not changed. Choose another name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The label layer could not be created in {path}: {reason} Choose a folder in which you can write.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Create a label layer, or choose one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose the field with the class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Counting the labels…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&#x27;{name}&#x27; has {found} different values, so it is an image and not a class raster. Choose another layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>{found} different values were found, but a model can have at most {most} classes. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>All labels lie outside the rasters. Draw some on them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes: there are no labels of &#x27;{}&#x27; yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes. Add a second class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Few labels: {}. The model can be trained, but its accuracy can hardly be measured.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a raster first: the label layer uses its coordinate system.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Labels {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Save label layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they have no class: {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they lie outside the rasters: {}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;New…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Creates an empty polygon layer next to the project, with a field for the class, and starts drawing in it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;Field</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Draw three to ten small polygons of every class, in different places, each on an area that clearly belongs to this class. Areas that you do not label are ignored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>&amp;Find places to label next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the current map view</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the whole layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Where to look for places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Only for models that assign a class to every pixel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places to label next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>The places cannot be opened: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places found in {seconds:.1f} s: {count}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Looking for models to start from…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Choose the model to start from, under Advanced.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Any imagery</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Robust to other dates, light and haze.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>These rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Slightly better here, but may fail elsewhere.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>To be &amp;used on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Name of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Advanced</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Base model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Dev&amp;ice</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Labels held bac&amp;k</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>B&amp;and numbers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Automatic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Decided by the number of labels and the computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Backbone unchanged (quick)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Trains only a last layer: takes seconds and suits few labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Part of the model (adapters)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes a small part of the model&#x27;s weights: takes minutes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole model (full)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes all weights: needs many labels and a GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>How many times the training passes through the labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The GPU if it works, otherwise the processor.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not seen. With 0, it is not measured.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>matched automatically</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>One raster band for each band of the base model, in its order, such as 2,3,4,8.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Previo&amp;us</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Ne&amp;xt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Places, least certain first: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Place {number} of {count}:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>{first} or {second}?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Starts from &#x27;{base}&#x27;. How much of it is trained depends on your labels and your computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick). This suits fewer than {many} labels; there are {labels}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: with {labels} labels, &#x27;{base}&#x27; is trained as well: all of it with a working GPU (full), otherwise a small part (adapters), or none of it if it is large (quick).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>&#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>A small part of &#x27;{base}&#x27; is trained as well (adapters).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>All of &#x27;{base}&#x27; is trained (full), which needs many labels and a GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The map view does not show any raster that the model was trained on. Zoom to one of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The rasters that the model was trained on are no longer in the project.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>The preview cannot be opened: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the map view in {seconds:.1f} s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_describer.py"/>
        <source>Checking the bands of {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Raster of the second date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Remove this raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>to</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Trains on several rasters at once, for instance of other places or dates. They share the labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add pair of rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Choose a raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the report in the web browser.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Prev&amp;iew</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Maps the current map view, as a temporary layer above the imagery.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Comp&amp;are</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Appl&amp;y to the whole layer…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the tool with the model and the raster already chosen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Retrai&amp;n from this model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Returns to the labels, with this model as the one to start from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Improve it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Percent of each row</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>The accuracy of the model is shown here after training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Mapping the current view…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final model was trained on all labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly too optimistic.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Training loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Epoch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Parts assessed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>The curves appear after the first results on held-back labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>There are no curves, because no labels were held back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Starting the engine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping at once…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping and saving the best model so far…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Warning: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopped. There was no model yet, so nothing was saved.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stop now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, after epoch {done} of at most {rounds}:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, before the first epoch:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, {done} of {parts} parts:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>No results on held-back labels yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>&#x27;Stop now&#x27; stops immediately and keeps nothing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>There is no model yet: if you cancel, nothing is saved.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model is kept as it is now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model from before the first epoch is kept, the best so far.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model of epoch {best} is kept, the best so far.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of epoch {best}, the best so far, was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model from before the first epoch was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of the last epoch was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}. The model of epoch {best}, the best one, was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>SpectralGPT speaks English</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {seconds} s left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {minutes} min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {hours} h {minutes} min left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no text or whole-number field that could hold a class. Add one, and give every feature its class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>None of the labels has a class: fill in the field &#x27;{}&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; is an image rendered by a web service, so its colours are not classes. Choose the original class raster, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Open satellite product…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Land-cover map…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Detect change…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Describe layer for models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Engine…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/provider.py"/>
        <source>SpectralGPT {} (models for multispectral rasters)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/quick_look_layer.py"/>
        <source>Quick look: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer properties. It is still treated as no-data here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is ignored: only single values are supported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool} ({time})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool}: {subject} ({time})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Not yet labelled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>There is no algorithm &#x27;{}&#x27;. Enable the plugin that provides it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>The inputs could not be read. See the log for details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/diagnostics_task.py"/>
        <source>SpectralGPT diagnostics report</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{}&#x27; is not an address for downloads: it must begin with https:// or http://.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{path}&#x27; cannot be written: {reason}. Free some space, or choose another folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download could not start: {} Check the address, the network, and the proxy in Settings &gt; Options &gt; Network.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download was interrupted: {} The downloaded part is kept; download again to continue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the file has changed on the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>{came} of {whole} bytes were received.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the server sent no data.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>There is no file at {} (404). Check the address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server does not allow public access to {url} ({status}). Download it with your browser and import the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The proxy requires a user name and a password (407). Set them in QGIS: Settings &gt; Options &gt; Network.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server returned the status {status} for {url}. Try again later.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file has {came} bytes instead of {size}. It was deleted; try again later.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It was deleted; do not use copies of it from other sources.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_state.py"/>
        <source>Check the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Verify the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Testing {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} polygons</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>class raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} connected regions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{raster}, mapped with {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name and value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>References</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Design</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>stratified random sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference samples</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Summary</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>How it was made</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy) is the share of the pixels mapped as a class that really belong to it. Recall (producer&#x27;s accuracy) is the share of the pixels of a class that were mapped as this class. Means are over the classes that occur in the references or in the map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Accuracy of a class map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy, area-adjusted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy of the sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Kappa of the sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean overlap (IoU) of the sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean F1 of the sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>User&#x27;s accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Producer&#x27;s accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped, ha</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated, ha</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{level} interval, ha</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Area-adjusted accuracy and areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number of points. The estimated areas are corrected for the errors of the map: report these areas together with their intervals.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Intervals: {level}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated shares of the total area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Recall (producer&#x27;s accuracy)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>F1 of each class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{value} ({level} interval {interval})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/report/command.py"/>
        <source>*** stands for a login or an access key, which reports leave out: put yours in its place.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>true ↓ mapped →</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>sum</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>No values.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>Made by SpectralGPT for QGIS {version}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/examples.py"/>
        <source>{raster}, row {row}, column {column}: imagery, labels, map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Second date</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Labelled places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Bands</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{pixels} px of {size} m</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{file}, field {field}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Result</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Accuracy on unseen areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Reconstructed imagery</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>To repeat this run:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Backbone pretrained on {rasters} rasters without labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>learned</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>random weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Duration</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{seconds} s, processes: {processes}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>epoch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>loss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>this network</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>interpolation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>band mean</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error on held-back areas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The imagery was too small to hold back any of it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{measure}. {windows} windows of {pixels} px.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Stage</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Batches</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The first {shown} of {all}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Scenes with labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Data and settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Run again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>With the engine&#x27;s Python, in the plugin folder:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Segmentation, {classes} classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Scene classification, {classes} classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Change detection, {classes} classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>quick: a head on an unchanged backbone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>adapters: a small part of the backbone is trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>full: all weights are trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>not known: no labels could be held back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Assessed on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>On held-back labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labelled pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Colour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labels of each class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Examples</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/allocation.py"/>
        <source>A sample of {1} points cannot cover {2} classes. Use at least {3} points, preferably {4}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has decimal numbers ({2}), but a class map has whole numbers that stand for classes. Choose a class map, such as one made with &#x27;Land-cover map&#x27;, or convert it if its numbers are classes (Raster &gt; Conversion &gt; Translate, output type Byte).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>{1} is an image (bands: {2}, {3}), but a class map has a single band of whole numbers that stand for classes. Choose the map that &#x27;Land-cover map&#x27; made from the image. To evaluate a model, give &#x27;Evaluate map&#x27; both the image and the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Counting the map&#x27;s classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has more than {2} different values, so it does not look like a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>. Choose a class map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Reading the map at the reference locations</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} has several bands, as an image does. Its first band was evaluated as a class map. If it is an image, choose the map made from it, or also choose a model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>The map has no class at any of the {1} references {2}: it has no data there. Choose references within the mapped area, or another map.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These classes of the references are not in the map: {1}. Their {2} reference samples count as errors. If the map has such a class under a different name, use the same name in both. If the true class is not known, leave the field empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These values of the references are not classes of the map and were treated as not labelled: {1}. Their {2} reference samples are left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} of {2} reference samples lie where the map has no data. They are left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>The references {1} are {2}, but the design &#x27;stratified&#x27; needs points drawn at random from each class of the map. Draw them with &#x27;sample&#x27;, or choose the design &#x27;simple&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Neighbouring pixels are not independent, so the intervals are based on the {1} reference areas, not on the {2} pixels. For figures that apply to the whole map, draw a stratified random sample.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>With only {1} reference areas, the intervals are wide and approximate.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>{1} of {2} points lie on a different class of this map than the one they were drawn from, so the sample was drawn from another map. Its strata were used with their weights (Stehman 2014), assuming that both maps cover the same area.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>No points were labelled in {1} ({2} of the map). The area-adjusted figures apply only to the rest of the map. Label points in these classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>Only one point was labelled in {1}. Intervals that need its variance are missing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>None of the classes of the references {1} is a class of the map. The references have {2}; the map has {3}. Choose the field whose values are the map&#x27;s classes, by name or by value, or rename the classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>Classes were matched by value, although their names differ: {1}. If this is wrong, use the same names in both.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/references.py"/>
        <source>The references {1} have the fields &#x27;{2}&#x27; and &#x27;{3}&#x27; of a drawn sample, but some points lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove points that were not drawn, or fill in both fields.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Fill in the field &#x27;{1}&#x27; with the true class of each point, by name or value, starting with the first point. Then evaluate the map with these points.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has only {2} pixels, fewer than the {3} points required for each class. All of them are used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has {2} point, so there will be no interval for its accuracy. Use more points, or a larger minimum.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points are drawn instead of {2}, because each class needs its minimum number of points.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Drawing points</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/stratified.py"/>
        <source>Every stratum with an area needs at least one point.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/assess/training_labels.py"/>
        <source>{1} of {2} references are labels that the model was trained on, so the accuracy is too high. Use references that were not used for training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names are only band numbers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the SR_ names do not indicate which Landsat satellite it is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names could be those of Sentinel-2 or Landsat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>{1}. The model needs {2}, but these were not found: {3}. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has only one band, {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands with neither names nor wavelengths</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, Landsat, HLS), &#x27;Open satellite product&#x27; makes one raster of all its bands. Otherwise stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed. Use a raster with all of them, or another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>Give the bands descriptions such as B02, or specify the raster&#x27;s band numbers in BANDS, in the order of the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source> If the order is {1} ({2}), set BANDS to {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains band {1}, but the raster&#x27;s bands are {2}. Band numbers start at 1, and an alpha band cannot be used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not in BANDS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains raster band {1} twice, for {2} and for {3}. Each band of the model needs a different raster band.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>position {1} in BANDS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS has {1} numbers, but the model needs {2} ({3}){4}. Specify one raster band number for each, in this order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>used in place of {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>name {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>Several raster bands ({1}) match the model&#x27;s {2}: {3}. Specify with BANDS which one to use.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>wavelength {1} nm</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>left out: no {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/card_editing.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model, or it is damaged. Copy the file again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card cannot be read: it was not written by this version of SpectralGPT. Import the model again, or update the plugin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card specifies the task &#x27;{1}&#x27;, but only these are supported: {2}. Update the plugin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The card of the model &#x27;{1}&#x27; is invalid: {2}. Copy the file again, or create or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its names or descriptions is not text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its threshold, architecture, training or accuracy is not a table</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its classes have the values {1}, but different values from 0 to {2} are expected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its classes has the no-data value {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>a class has the colour &#x27;{1}&#x27;, but a colour such as #1f78b4 is expected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>it has no bands, or one whose wavelength is not a number</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its window size, its number of bands in a group or its number of pixels is not positive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>&#x27;{1}&#x27; has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. Choose the model it was exported from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; cannot be read. Copy the file again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; do not match the network described in its card: {2} weights are missing, unexpected or of a different shape ({3}). Train or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/atlas.py"/>
        <source>The images have no valid pixels to train on. Check their no-data values.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must each be labelled in two places that are more than {1} pixels apart and not connected by other labels. Label a second place for {2}{3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The accuracy of these classes cannot be assessed: {1}. All labels of each of them lie in one place (closer than {2} pixels to each other) or only next to labels that are needed for training. Label a second place for each class, further away.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie in {1} separate places (more than {2} pixels apart), but at least {3} are needed, one for each part. Label more places, or use fewer parts.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie too close together to hold back whole places more than {1} pixels apart. They were divided into squares of {2} pixels instead, and {3} labelled pixels between the training and the validation squares are not used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. Draw it again, or leave it empty to process the whole raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} cannot be transformed to the raster&#x27;s CRS ({2}). Specify it in the raster&#x27;s CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} does not intersect the raster, whose bounds are {2} in {3}. Choose an extent within the raster, or check the CRS of the extent.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>The folder {1} contains no raster with one of the file extensions {2}. Choose another folder, or add the rasters one by one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>No imagery was specified. Choose the rasters or folders to learn from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Checking raster {1} of {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Skipped: {1}. {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>None of the {1} rasters is suitable for the model. {2} Choose rasters that have the model&#x27;s bands.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has only one class ({2}), but at least {3} are needed. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has {2} classes ({3}), but at most {4} are possible. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The classes {1} differ only in upper and lower case. They are treated as different classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class &#x27;{1}&#x27; has the colour &#x27;{2}&#x27;, but a colour must be specified as #rrggbb, for instance #1f78b4.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class names and colours were specified as {1}, but a JSON list such as [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}] is expected. Correct it, or leave it empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains lists, but one class is expected for each feature. Choose a field with text or whole numbers, or allow several labels per scene.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers. As all of them are whole, they are used as classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains {2}, but classes must be text or whole numbers. Choose another field: {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} is empty in all {2} features, but it must contain the class of each feature. Fill it in, or choose another field.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>The {1} {2} {3}: {4}. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Choose one of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Add a field of text or whole numbers, and fill it in.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers such as {2}, but classes must be text or whole numbers. Choose another field, or convert the numbers to classes with the field calculator.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} assign several labels to the same place, but each pixel can have only one. Choose a field with one class, or train on scenes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} do not cover any valid pixel of the raster: they only touch its edge, or the raster has no data there. Draw labels on the raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} cover {3} pixels. A random {4} of them were used, including all pixels of small classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} are a class raster, but scenes need polygons or points with a class field. Choose a vector layer, or train a segmentation model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}, but a scene can have only one class. Correct the features with these IDs, or tick &#x27;A scene may have several labels&#x27; and give one feature all of its labels, separated by semicolons.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}. None of them is used for training. Correct the features with these IDs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}, but each pixel can have only one class. Correct the features with these IDs, or remove the overlap with the tool &#x27;Difference&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}. These pixels are ignored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} contains decimal numbers such as {2}, but the values of a class raster must be whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in QGIS).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has more than {2} different values, so it does not look like a class raster. Choose the class raster, not the image.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no labelled pixels: all of them are no-data ({2}). Choose another raster, or correct its no-data value.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has {2} bands. The first one is used as the class band.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no no-data value, so the value {2} was treated as a class with {3} pixels. If it means &#x27;not labelled&#x27;, set it as the no-data value of the file (gdal_edit.py -a_nodata {4}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} and the image do not overlap: bounds {3}, those of the image {4}. Choose labels within the image, or check the CRS of both layers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} is not georeferenced. As it has the same size as the image, {3} x {4} pixels, it is aligned with it pixel by pixel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} has no CRS. The CRS of the image is assumed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} {2} are a class raster, which has one label for each pixel. For several labels per scene, choose a vector layer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} file {2} can be read neither as a vector layer nor as a raster. Check whether it opens in QGIS, and export it again as GeoPackage or GeoTIFF.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} features of the {2} {3} are neither polygons nor points. They are ignored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} of {2} features of the {3} {4} have no class in the field &#x27;{5}&#x27;. They are ignored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>No patch with valid pixels was found in {1} attempts: the imagery is almost entirely no-data. Clip the rasters to the area with data, or check their no-data values.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>Apart from the area held back for validation, the raster {1} has no room for a training window. Use larger rasters, or more of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>no-data value {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>additional no-data {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>No raster was specified. Choose a raster file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} does not exist. Check the path, and that the drive is connected.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose a raster file, or stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is an empty file. Download or export it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it with &#x27;Open satellite product&#x27; first. Otherwise unpack it, or give the raster inside it as {2}{3}/NAME.tif.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source> It has ground control points or RPCs: warp it first (Raster &gt; Projections &gt; Warp).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no coordinate reference system.{2} Assign the correct one in QGIS with Raster &gt; Projections &gt; Assign Projection, or specify it as the CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no geotransform, so its location and pixel size are unknown. Georeference it in QGIS (Layer &gt; Georeferencer), or specify a CRS to work in pixel coordinates.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is positioned by ground control points or RPCs, which do not form a regular pixel grid. Warp it in QGIS first (Raster &gt; Projections &gt; Warp), and use the result.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The geotransform of the raster {1} gives its pixels no area. Georeference it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>&#x27;{1}&#x27; is not a coordinate reference system. Specify a code such as EPSG:32631.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured values (WCS) and choose that layer, or download the area as a GeoTIFF.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file is on a remote server: check the address, the network and your access rights. The server must support reading parts of a file (HTTP range requests). If it does not, download the file first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} seems to be stored channels-last: {2} pages of {3} x {4} pixels, that is, an image of {5} rows whose bands were stored as columns. Save it again with the bands first (shape {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>If they are a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose one of them, or stack them (Raster &gt; Miscellaneous &gt; Build Virtual Raster).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has complex values, as some radar products do. Convert it to real values first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/patches.py"/>
        <source>The images have different numbers of bands. Choose the same bands for each image.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>values unchanged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset 0).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scale {2} and offset {3} of the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scales and offsets of the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 255</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided by 255 and treated as reflectance, so results may be poor. Use the original product if possible.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 10000</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, the raster&#x27;s values reach a reflectance of {1}, although about 0 to 1 is expected. Results may be wrong. Check the scale and offset of the file, or convert the values to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, some of the raster&#x27;s values give an impossible reflectance of {1} ({2} in the file). They are probably no-data that the file does not declare, which would be mapped as land cover and distort the results around it. Set the value as additional no-data value of the layer, or in the file (gdal_edit.py -a_nodata).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values used as reflectance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>which gives reflectance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as reflectance x 10000, but then even the brightest areas are dark. If the values are radiance, convert them to reflectance first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 100</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as percent and divided by 100. If this is wrong, convert them to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Level-1 top-of-atmosphere values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Collection 2 surface reflectance values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} values / 10000</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1}: assumed from the product name and the values, as the file declares no scale.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>from the metadata</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>processing baseline {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>dark pixels show that the offset of {1} ({2}) has already been removed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of {1} ({2})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the values include it, subtract it first, or keep the product name in the file name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of 1000 indicated by dark pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The darkest pixels of all bands have values of {1} or more (in units of 1/10000). The offset of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} does not overlap the first one: its bounds are {2}, those of the first one {3}. Choose two rasters of the same place, and check the CRS of both layers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} has no valid pixels ({2}). Check its no-data value and the extent.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} {2} and the raster do not overlap: bounds {3} in {4}, those of the raster {5} in {6}. Choose {7} within the raster, or check the CRS of both layers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} does not exist. Choose a vector file with {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>. Check whether it opens in QGIS, and export it again, for instance as GeoPackage.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has no {3} (it has {4} features of type {5}). Choose a layer of {6}{7}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has several layers: {3}. Specify one of them, as in {4}|layername={5}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has the CRS &#x27;{3}&#x27; and the raster &#x27;{4}&#x27;, and no transformation between them is known. Use a layer in the raster&#x27;s CRS, or set the CRS that the coordinates are actually in.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Opening the raster</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Reading its values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Checking which models fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>PyTorch {1} cannot find a usable GPU: it was built for the processor only, or the driver is missing or outdated.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>A matrix product on the GPU differs from that of the processor by {1} of its size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>These libraries of the engine do not work: {1}. Repair the engine (in QGIS: SpectralGPT &gt; Engine &gt; Repair).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>processor and GPU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The model &#x27;{1}&#x27; standardises each scene by statistics of all its pixels, which Deepness does not compute, so its maps would differ. Export the model as plain ONNX.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the graph for Deepness</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Comparing with the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The probabilities of the graph for Deepness differ from those of the model by up to {1}, but only {2} is acceptable. Export the model as plain ONNX, and please report the model&#x27;s card.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, assign the bands in this order: {1}{2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, values must be reflectance x {1} without an added offset. First subtract the offset of 1000 of Sentinel-2 products since processing baseline 04.00.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>Checking the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; has no weights to train from: there is no {2} next to it. Export it as ONNX instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; is a backbone, which cannot make predictions before it is fine-tuned. Export its weights (safetensors), or fine-tune it first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The probabilities of the exported graph differ from those of the network by up to {1}, but only {2} is acceptable. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with full weights (half off).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Please report the model&#x27;s card.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>This version of PyTorch cannot export the network. Please report it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The weights of the model need more than 2 GB, the largest size of a single ONNX file. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Use a smaller model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with half-precision weights.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/export/streamed.py"/>
        <source>The model needs {1} GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/gpu/graph_weights.py"/>
        <source>The graph of &#x27;{1}&#x27; does not contain the weight &#x27;{2}&#x27; of its network. Use ONNX Runtime for this model, or keep its .safetensors file next to it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed on the GPU. Choose the device &#x27;cpu&#x27;. If it is one of the models that come with the plugin, please report this.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The GPU does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; is copied without conversion, so the output must end in {2}, not &#x27;{3}&#x27;. To convert it to another format, use &#x27;Export model&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Copying the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source> It seems to have been made for the Deepness plugin: use it there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how values are scaled, so it cannot be used here.{2} Choose a model made with this plugin, or a published SpectralGPT checkpoint (.pth).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Reading the checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Computing the checksum of the checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; has the inputs {2} and the outputs {3}, but a model for {4} needs {5} and must return probabilities. Import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; expects {2} (bands, rows, columns), but its card says {3}. The file does not match its card: create or import it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model &#x27;{1}&#x27; returned scores of the shape {2}, but its card has {3} classes. The file does not match its card: create or import it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model returned scores that are not numbers (NaN). Either it is damaged, or the raster&#x27;s values are far outside the range that it was trained on. Check the raster&#x27;s values and no-data, set the device to &#x27;cpu&#x27;, or create or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>{1} ONNX Runtime is used instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1} cannot run this model: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2}; not used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2} ms per window{3}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>A GPU was requested, but none can be used: {1}. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install the engine for your GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>The processor is used instead of the GPU. {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes were completed by an earlier run and are skipped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>&#x27;{1}&#x27; could not be updated, because another program, such as a spreadsheet, has it open. Close it there and run the same command again, which only writes the table. Until then, &#x27;{2}&#x27; lists all scenes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes failed: {3}. All others are complete; &#x27;{4}&#x27; lists every scene. Fix the problem and run the same command again: completed scenes are skipped.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cell_windows.py"/>
        <source>Classifying cells</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The cell size {1} is smaller than a pixel ({2} CRS units). Use a larger one, or 0 for the model&#x27;s own window size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The raster&#x27;s pixels of {1} m are resampled to {2} m, so that a cell of {3} px is {4} m wide. The model was trained on pixels of {5} m.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>A cell covers {1} times the area that the model was trained on ({2} m wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>{1} {2}: less than half of their area is covered by valid pixels of the raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>No {1} can be classified: in none of {2} are at least half of the pixels valid. Choose a smaller cell size or another area, or check the no-data values.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>A worker would use {1} on {2} (model {3}), but the client uses {4} on {5} (model {6}). Start the workers with the environment and the models of the client, or set the device to &#x27;cpu&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster has no workers, so the run is waiting for one. Start workers with: dask worker ADDRESS, or cancel.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its workers. Check the logs of the workers: they may have too little memory, or lack the engine&#x27;s libraries.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Cluster: {1} tasks for {2} workers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Classifying scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Cluster: {1} strips for {2} workers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Strips: row {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>A change model has two classes, unchanged and changed, but &#x27;{1}&#x27; has {2}. Choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Scores rescaled for this scene: {1} becomes 0.5</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (determined from the scene)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (fixed in the model card)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is not known)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is {2})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Writing the map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} windows, {2}{3} of memory, {4} of disk space ({5} free)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} of disk space in &#x27;{2}&#x27; ({3} free)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>{1} of memory is free, but the run may need {2}: it may be slow or fail. Close other programs, or use fewer threads.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run needs {3} while it works. Free some space, choose another folder, or limit the extent.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run may need {3} and could fail. Free some space, or choose another folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU is low on memory. Continuing with {1} windows at a time.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU does not have enough memory for even one window. Continuing on the processor.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_parts.py"/>
        <source>Resuming the previous run: {1} windows are done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_rows.py"/>
        <source>Resuming the previous run: {1} of {2} rows are done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/gpu_choice.py"/>
        <source>Speed test: {1}: {2} ms per window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The model &#x27;{1}&#x27; is for training. To run it, a file that ends in .onnx is needed. Export it first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The card in &#x27;{1}&#x27; does not list any classes. Create or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/model_inputs.py"/>
        <source>The two dates have no group of bands in common: the first one provides the model&#x27;s groups {1}, the second one {2}. Choose rasters from the same sensor.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>There are no valid pixels in the area: the raster has no data there. Choose another area, or check the no-data values.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>Windows: row {1} of {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime could not start {1}: its driver or libraries are missing or outdated. Update the driver, or choose the processor.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime {1} cannot load &#x27;{2}&#x27;: the ONNX model is incomplete or needs a newer version. Copy the file again, or update the engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed while running. Create or import it again. If it is one of the models that come with the plugin, please report this.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The {1} does not have enough free memory for the model &#x27;{2}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>OpenVINO {1} cannot run &#x27;{2}&#x27;: the ONNX model is incomplete, or has parts that OpenVINO does not support.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>The computer does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/places.py"/>
        <source>A place of {1} CRS units is {2} x {3} pixels, which is larger than the area to search ({4} x {5} pixels). Use a smaller size, 0 for {6} pixels, or a larger extent.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/preflight.py"/>
        <source>Estimated: {1} windows, {2}{3}; actual: {4} windows, {5}, {6}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>No quick look: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>Quick look: {1} x {2} pixels of {3}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>The map view does not show any part of the area to process.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask does not intersect the area to process ({1} in {2}); its polygons lie in {3}. Choose another mask, or check its CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask is too small: it contains no pixel centre. Choose a larger mask.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2} ({3})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Device: {1} ({2})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = band {2}, {3}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, bands: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, values: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, no-data: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>The raster&#x27;s pixels are {1} m wide on the ground, but the model was trained on pixels of {2} m, so results may be poor. Resample the raster (Raster &gt; Projections &gt; Warp), choose another model, or train one on this raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Windows: {1} processed, {2} skipped of {3}; {4} s, {5} Mpx/s on {6} ({7})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>No scene was specified. List rasters with inputs, or give a text file with one raster per line with inputs_list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>Change detection needs two rasters for each scene, but {1} were given; the last one is &#x27;{2}&#x27;. Specify a first and a second date for each scene.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The scenes &#x27;{1}&#x27; and &#x27;{2}&#x27; would be written to the same output. Leave one out, or rename a file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The output &#x27;{1}&#x27; is also an input and would be overwritten. Choose another name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The list of scenes &#x27;{1}&#x27; cannot be read. Use a text file (UTF-8) with the path of one raster per line.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>&#x27;{1}&#x27; cannot write &#x27;{2}&#x27; in addition to its output. Available: {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}&#x27; must end in {2}. Change it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of a GeoPackage cannot contain &#x27;;&#x27;, but that of the output &#x27;{1}&#x27; does. Choose another name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}...&#x27; is too long for the file and those written next to it: {2} bytes, but at most {3} are allowed. Choose a shorter name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>Two outputs would be written to &#x27;{1}&#x27;. Give each of them a different name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The output &#x27;{1}&#x27; is a folder. Specify the name of a file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The folder of the output &#x27;{1}&#x27; does not exist. Create &#x27;{2}&#x27;, or choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The disk is full, or the file is too large for it: &#x27;{1}&#x27; could not be completed. Free some space, or write to another disk. Nothing of this output was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>&#x27;{1}&#x27; cannot be written. Check that you have write access to this folder and that the file is not open in another program or as a layer in QGIS, or choose another location.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/threshold.py"/>
        <source>The model card asks for the threshold {1}, which this version does not support. Update the plugin, or specify a threshold.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>The model &#x27;{1}&#x27; has {2} class, but uncertainty needs two or more. Choose a model with more classes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>No place of {1} has at least half of its pixels valid{2}. Choose a smaller size or a larger area, or check the no-data values.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>Places of {1}: {2} found.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>{1} places were found instead of {2}: there is not enough space for more places of {3} with the required distance between them. Choose a smaller size, or a larger area.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/windows.py"/>
        <source>Windows of {1} px with an overlap of {2} px are impossible for a raster of {3} x {4} px: sizes must be at least 1, and the overlap must be smaller than the window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/infer/zone_windows.py"/>
        <source>Classifying zones</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>There is no command &#x27;{1}&#x27;. Available: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>The parameters of &#x27;{1}&#x27; must be a JSON object.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>&#x27;{1}&#x27; needs the library &#x27;{2}&#x27;, which is not installed in this engine. Install the engine&#x27;s {3} libraries (in QGIS: SpectralGPT &gt; Engine).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/memory_limit.py"/>
        <source> The memory limit allows the engine {1} MB. Increase or remove the limit in QGIS under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>{1}={2} does not match {3}={4}: a positive multiple is needed. Use {5}={6}, or another {7}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>There is no preset &#x27;{1}&#x27;. Choose one of {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/dense_head.py"/>
        <source>The published pixel-wise head needs tokens of {1} pixels and a width that is a multiple of 16, but it was given patch={2}, width={3}. Use patch={4} and width={5}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The network expects images [batch, {1}, height, width], but got {2}. Fill missing bands with zeros and leave out their group.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The pretrained model does not match this network: {1} of {2} encoder weights are missing or have a different shape ({3}). Choose a backbone with the same bands, width and depth.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/losses.py"/>
        <source>The loss weights {1} are invalid: none may be negative, and at least one must be above 0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/masked_autoencoder.py"/>
        <source>A mask ratio of {1} leaves {2} of {3} tokens visible, but some must be hidden and some visible. Use 0.9, or a larger window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The statistics in the card do not match its {1} bands: {2} means, {3} standard deviations (each must be above 0). Train or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The card asks for the normalisation &#x27;{1}&#x27;, but this version supports only statistics, tile-minmax, scene-statistics and none. Update the plugin.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/pixel_change.py"/>
        <source>{1} pixel levels end at stride {2}, but a token is {3} pixels wide. Specify one width for each stride from 1 to {4}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/position.py"/>
        <source>A window of {1} x {2} pixels cannot be divided into tokens of {3} x {4}: both sides must be multiples of {5}. The nearest valid size is {6} x {7}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>A model for &#x27;{1}&#x27; cannot make predictions by itself. Fine-tune it first, and use the result.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>The model needs {1} inputs ({2}), but {3} were given.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card specifies the network &#x27;{1}&#x27;, but this version supports only {2}. Update the plugin, or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card describes its network &#x27;{1}&#x27; in a way that this version does not support. Update the plugin, or import the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network has lost its encoder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network was made without a pixel branch.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model &#x27;{1}&#x27; is for {2}, but a model for {3} is needed. Choose another model, or use the tool that fits this one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>There is no model &#x27;{1}&#x27;. Specify the path of a model file, or the name of an installed model ({2}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats with &#x27;Import model&#x27; first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card, so its bands and classes are not known. Import it with &#x27;Import model&#x27; first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The card in &#x27;{1}&#x27; is damaged. Copy the file again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; was changed or damaged after it was made: its content does not match its checksum. Copy or download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no checksum. Import or train the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no space for a checksum. Import or train the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} is not responding.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} does not exist, or its drive is not connected.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>{1} is a file, not a folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} cannot be read: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>There is no file &#x27;{1}&#x27;. Specify the path of a checkpoint.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; was not loaded: in addition to weights, it contains {2} type(s) of Python object that could execute code ({3}). Only tensors, plain values and argparse.Namespace are accepted. Use the published file, or save only the weights with torch.save(model.state_dict(), path).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. Download it again and compare its size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2}, but a dictionary of weights is needed, either directly or under &#x27;model&#x27;. Use one of the published checkpoints.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2} entries that are not weights ({3}). Only dense floating-point tensors are accepted. Use one of the published checkpoints.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT checkpoint: the weights {2} are needed, but {3} was found, among {4} weights ({5}). Use one of the published checkpoints.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; has tokens of width {2} at {3} positions, but a width of {4} and a square number of positions are needed. Use one of the published checkpoints.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head (cls_seg..., head...) among {2} weights. Use one of the published checkpoints.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; does not match SpectralGPT&#x27;s {2} network of {3} weights: {4}. Use the published file as it was downloaded, or specify its type with &#x27;kind&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo record 8412455. Their licence, CC-BY-4.0, is known from a third party&#x27;s table only: unverified.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Each window is scaled to 0..1 band by band, as in training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source> The meaning of its {1} bands is not known: choose the raster bands manually.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>{1} {2} Imported; none of its accuracy figures was checked here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT change network, fine-tuned by its authors on OSCD.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT segmentation network with {1} classes whose names are not in the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and appends their mean twice. The sources disagree about which ten; these were confirmed by the first author.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, and scaling by window is an assumption.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; has no parameter &#x27;{2}&#x27;. Available: {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; needs the parameter &#x27;{2}&#x27;: {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}; expected {4} ({5}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is &#x27;{3}&#x27;; choose one of: {4}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}, but it must be between {4} and {5}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The archive {1} cannot be read: it is damaged, incompletely downloaded, or its type does not match its name. Download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The metadata file &#x27;{1}&#x27; of the product cannot be read: it is damaged or incompletely downloaded. Download the product again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no file or folder &#x27;{1}&#x27;. Choose the folder of a satellite product, its .zip or .tar, or any of its files.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>&#x27;{1}&#x27; is a compressed archive whose files cannot be read one by one. Unpack it, and choose the folder. A .zip or a .tar does not have to be unpacked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no archive on this computer in &#x27;{1}&#x27;. Choose a .zip or .tar on a local or network drive.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive has been reprocessed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole product.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale and offset of the values are unknown. Download the product bundle.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is an HLS product of version 1. Download version 2.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; contains {2} products: {3}. Choose one of these files, or the folder or archive of one product.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 product (folder).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The HLS product {1} lacks {2} of its bands: {3}. Download all of its files into one folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The product&#x27;s file Fmask is missing: no clouds are masked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>&#x27;{1}&#x27; does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI (collection {2}, sensor {3}). Download the scene from Collection 2, best as Level-2 (surface reflectance).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: it is incompletely downloaded or unpacked. Download it as a whole (the product bundle).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product&#x27;s file QA_PIXEL is missing: no clouds are masked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Reading the product&#x27;s metadata</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Product: {1}, taken {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The band files in this archive are compressed, so they are decompressed each time they are read. Maps are faster from the unpacked product.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Opening the band files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Computing the colour stretch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} bands on a grid of {2} x {3} pixels of {4} m: {5}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Masking clouds</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} % of the scene is masked as clouds or shadows, according to the product&#x27;s {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The files of the product do not cover the same ground: &#x27;{1}&#x27; differs from the others. Files of several products may be mixed in one folder: download the product again into a folder of its own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>With pixels of {1} m, the product of {2} x {3} pixels would have {4} x {5}. Give a resolution near its own, {6} m, or 0 for that.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The metadata file &#x27;{1}&#x27; lists {2} tiles and the files of {3} bands, but one tile with all bands and the scale of their values is needed. The product has the format used before December 2016, or it is damaged. Download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: its download or unpacking is incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that resolution.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>scene classification (SCL)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product&#x27;s scene classification (SCL) is missing: no clouds are masked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object on a single line: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The engine ran out of memory. Close other programs, or work on a smaller area.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>An unexpected error occurred in the engine ({1}: {2}). Please report it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model &#x27;{1}&#x27; comes with the plugin and cannot be renamed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>&#x27;{1}&#x27; cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( ).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>There is already a model &#x27;{1}&#x27; in {2}. Choose another name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model has been renamed, but its old file &#x27;{1}&#x27; could not be deleted: {2}. Delete it manually.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; can only make predictions, and there is no {2} next to it to train from. Choose a backbone, or a model that you fine-tuned.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1}Epoch {2} of {3}, loss {4}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} is not a checkpoint of a training run, or it is damaged. Delete it to start from the beginning.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} belongs to a run with different settings. Delete it to start from the beginning, or continue with the settings it was made with.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>The checkpoint {1} could not be written: the disk is full, or the folder is read-only. Free some space, or fix the folder, and run the same command again. It continues from the last checkpoint.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>Change detection needs two classes, unchanged and changed, but the labels have {1} ({2}). Merge them into two.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>It is not clear which of the labels &#x27;{1}&#x27; and &#x27;{2}&#x27; means change. Name them &#x27;unchanged&#x27; and &#x27;changed&#x27;, or 0 and 1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/device.py"/>
        <source>A GPU was requested, but PyTorch cannot find one. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install a version of PyTorch that fits the GPU driver.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Mean overlap (IoU) on held-back labels before training: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Stopped before the end of the first epoch. The model with an unchanged backbone is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back labels ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Expected a Predictor, given {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/head_tuning.py"/>
        <source>labels of {1} places in {2} parts, each held back in turn; the model was then trained on all of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>Assessing accuracy, part {1} of {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>No labels could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Draw every class in at least two places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No raster was specified. Choose the rasters with the labelled areas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>There are {1} rasters of the first date and {2} of the second. Specify one of the second date for each of the first, in the same order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>Rasters of a second date were specified, but the task is {1}. Choose change-detection, or leave them out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1} is left out: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>The labels {1} do not overlap any of the {2} rasters. Choose rasters of the labelled area, or check the CRS of both.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No pixel of the rasters is labelled as {1}: the labels of this class lie elsewhere. Draw some on the rasters, or leave out the class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1}: some bands are missing that other rasters have. The model is trained without these bands on all rasters.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/made_model.py"/>
        <source>{1} cannot be stored.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>The backbone already processed {1} of {2} views of the windows in an earlier run.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels; the model was then trained on all of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed. Draw more labels where the raster has valid pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/masked_pretraining.py"/>
        <source>Stage {1} of {2}. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1} ({2})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>for change in other places, an unchanged backbone with a trained head works best</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with only {1} labelled places, the backbone stays unchanged and only a head is trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and a GPU, all weights are trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and no GPU, a small part of the backbone is trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} million weights in the backbone and no GPU, the backbone stays unchanged and only a head is trained</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The truth has the shape {1}, but the prediction {2}: they must be the same.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The {1} contains values {2}..{3}, but only 0..{4} are possible.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>Computing features</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check its no-data value.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All pixels labelled as {1} are no-data in the rasters. Draw some where the raster has valid pixels, or leave out the class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>{1} has no features of pixels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>{1} completed epochs are saved in {2}. Run the same command again to continue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Nothing was saved, because no checkpoint folder was specified.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Cancelled. {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery is loaded into GPU memory, and patches are cut there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery does not fit into GPU memory together with the other data. Patches are read from disk as needed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error of hidden values in normalised units, on windows that were held back; &#x27;interpolation&#x27; fills each band from its visible tokens by distance, &#x27;mean&#x27; by their mean</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, from random weights ({1}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, continuing from {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>masked pretraining, progressively over windows and mask ratios</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The model &#x27;{1}&#x27; has no decoder for pretraining. Choose a backbone.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use larger rasters, or at least ten.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} of the rasters, such as {2}, have changed since the run in {3} began. The rest of the run uses them as they are now. Delete this folder to start from the beginning.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} rasters, {2} megapixels; {3} windows held back. Network with {4} million weights; {5} process(es).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>Stage {1} has windows of {2} px, but its largest raster has only {3} x {4} px. The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller windows, or larger rasters.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>{1} labelled scenes are left out, because less than half of their pixels are valid.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes where the raster has valid pixels, or check its no-data value.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>{1} on held-back scenes before training: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>scenes held back in whole places, at the best epoch according to the same scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back scenes ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose change-detection.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>Touching scenes had to be assigned to different parts, because there are too few others. The accuracy figures are too optimistic. Draw scenes in more places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>No scenes could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Label every class in at least two places.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_samples.py"/>
        <source>{1} has no features of scenes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Without held-back scenes, it is not known whether training the backbone helps. The model with an unchanged backbone is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Learning small image patterns</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Training and assessing the last layer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>scenes of {1} places in {2} parts, each held back in turn (small image patterns were learned from all of them, without labels); the model was then trained on all of them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>No usable scene is labelled as {1}. Label some on the rasters, or leave out the class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>{1}: fewer than {2} scenes. Label more of them: accuracy figures from so few are not reliable.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory even for a batch of {1}. Choose a smaller network or window, close other programs, or use another device.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory for a batch of {1}: trying {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but {3} is expected, for instance 64:20:1e-3 or 128:10:5e-4:0.9:*summer*. Separate stages by ;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>The stages &#x27;{1}&#x27; contain no stage. Specify {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} has a window of {2} px, but it must be a multiple of the network&#x27;s patch of {3} px. Use {4} or {5}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} hides {2} of the {3} tokens of a {4} px window, so none stays visible. Reduce the mask ratio, or use a larger window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>No raster name matches &#x27;{1}&#x27;. The rasters are: {2}{3}. Use * for any text in the pattern.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but the window and the epochs must be at least 1, the learning rate above 0 and at most 1, and the mask ratio between 0 and 1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/supervised.py"/>
        <source>Fine-tuning takes a Predictor, given {1}. Wrap the network and its card in one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>labels held back in whole places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>Average precision on held-back labels: {1} pixel by pixel, {2} with the surroundings of the pixels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/trainer.py"/>
        <source>The loss became {1} at step {2} (epoch {3}), with a learning rate of {4}. Reduce the learning rate or limit the gradient, and check the data for values that are not finite.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>Trained on the user&#x27;s own labels of {1} classes ({2}), starting from {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>not assessed: no labels could be held back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>{1} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The folder {1} contains a run with different settings ({2}). Use the same settings to continue it, specify another folder, or delete the folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The checkpoint folder {1} cannot be written. Choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/base_python.py"/>
        <source>No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it (from python.org, or with &#x27;sudo apt install python3-venv&#x27;), then try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine failed without an error message.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine could not be started: {1} ({2}). Install or repair it in the settings under SpectralGPT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The last installation of the engine was not completed. Install it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is not installed yet. Install it in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine&#x27;s record is damaged. Repair the engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The Python installation that the engine is based on was removed or replaced. Repair the engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The plugin was updated and needs other versions of the engine&#x27;s libraries. Update the engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is installed ({1}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The disk of {1} has {2} GB of free space, but the installation needs {3} GB. Free some space, or choose another folder for the engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or reduce the number of threads, and run it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>Repair the engine in the settings under SpectralGPT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device &#x27;cpu&#x27;. If it happens again, update the graphics driver. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library that the engine needs was not found (0xC0000135). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart QGIS. </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine could not start (0xC0000142). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart Windows.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine is damaged or not 64-bit (0xC000007B). </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine needs an instruction that this processor does not support (0xC000001D).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine was interrupted (0xC000013A).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>{1} It is limited to {2} MB of memory, which may not be enough. See the memory limit under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped responding and was terminated. Run it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped without a result (exit code {1}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_lock.py"/>
        <source>The engine is being installed by another process (number {1}). Wait until it is done, or end that process, and try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The disk is full. Free some space, or choose another folder for the engine in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The system&#x27;s security software (antivirus or application control) stopped the installation. Ask your administrator to allow the engine&#x27;s folder, or choose another one in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A file of the engine is in use. Wait until running jobs are done, or restart QGIS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>You do not have write access to the engine&#x27;s folder. Choose another folder in the settings, or have its permissions changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The path of the engine&#x27;s folder is too long for Windows. Choose a shorter one in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects traffic. Specify your organisation&#x27;s CA file in the settings, or use a folder of wheels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The proxy refused the connection. Check the proxy in the settings (http://user:password@host:port).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server denied access (401 or 403). Check the address and password of the package index in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server could not be reached. Check the network and, in the settings, the proxy and the package index. Without a network connection, install from a folder of wheels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A package was damaged during download. Run the installation again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The operating system is too old for the engine&#x27;s libraries (its C library lacks functions that they need).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>There was not enough memory. Close other programs and run the installation again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>No build of {1} for {2} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in the settings, it may be incomplete.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The folder of wheels &#x27;{1}&#x27; is missing or contains no .whl files.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The CA file &#x27;{1}&#x27; is missing. Correct it in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained on fMoW-S2 for 200 epochs; to train from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>CC-BY-4.0 according to others; read it on the page of the record</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained further on BigEarthNet for 100 epochs; to train from.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT tiny, Sentinel-2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A reflectance); the start for models of your own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Urban change, Sentinel-2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the threshold for each scene: about the most changed fortieth of the pixels are marked, fewer where little stands out, more where much has clearly changed. Probabilities are shifted so that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as change, so mask them. Both images should cover the same ground, at least a few square kilometres.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover (seven classes)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover of every pixel in seven classes, from one Sentinel-2 image of either level. Learned from very few places: water is dependable; crops against grass and shrubs, and built-up against bare ground, need more than one date or your own labels (fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it looks like.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Water</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Trees</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Crops</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Built-up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Bare ground</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Grass and shrubs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Snow and ice</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Scenes of Europe (EuroSAT&#x27;s ten classes)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Labels windows of 640 m with one of EuroSAT&#x27;s ten classes. Learned from 89 labelled chips of Europe in the growing season; other continents, winter, snow and clouds are not among them, and a window with several kinds of land gets the label of one. Herbaceous vegetation, permanent crop and highway are the weakest: look at the probabilities.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Annual crop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Forest</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Herbaceous vegetation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Highway</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Industrial</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Pasture</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Permanent crop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Residential</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>River</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Sea or lake</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
