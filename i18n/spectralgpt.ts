<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en">
<context>
    <name>SpectralGPT</name>
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
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must lie between {low:g} and {high:g}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; is to be written to &#x27;{target}&#x27;, which is no file this tool writes. Give a file name that ends in {expected}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. What was done so far was kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels the cells of a grid, or your polygons, by what a raster shows there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Says what kind of scene each place shows, such as a residential area, a highway or annual crops. One label covers a whole cell or polygon; for the class of each pixel use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 takes the size the model learned from, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter doubtful ones. Below about 60 the second-best label was close. A multi-label model gives every label that passed its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own)</source>
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
        <source>Maps what changed between two multispectral rasters of the same place.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change is the model&#x27;s: the one that ships looks for construction, passes over seasons and crops, and mostly misses water that rises or falls.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is put on the grid of the first. Choose dates without clouds and, where you can, from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: the probability from which a pixel counts as changed. Leave it empty for the model&#x27;s own; raise it when too much is marked, lower it when changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; drops smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are sure. Values around the threshold are worth a look at both images.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
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
        <source>Bands of the raster after, where they differ</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The probability from which a pixel counts as changed.</source>
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
        <source>Says how good a map or a model is, with intervals, from places where the truth is known.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places where you know what is there: how much is right, what is mistaken for what, and how sure these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample speaks for the whole map, and gives areas corrected for the map&#x27;s errors. Polygons that you chose yourself work too, but they tell of these places only. Never use the labels that the model was trained with: it knows them.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, when you choose a &lt;b&gt;model&lt;/b&gt;, the image that it is to map.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; counts all alike; &lt;i&gt;auto&lt;/i&gt; takes stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: of the intervals. At 95, nineteen of twenty such intervals hold the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also numbers that a graphical model can use. Overall accuracy is misleading where one class covers most of the map: look at each class in the report.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or with a model the raster to map</source>
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
        <source>Confidence of the intervals (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>With a model: bands in its order (empty = automatic)</source>
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
        <source>Overall accuracy, lower end of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper end of the interval</source>
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
        <source>Overall accuracy weighted by area</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Accuracy weighted by area, lower end of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Accuracy weighted by area, upper end of the interval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Makes a model of your own from a few polygons, points or a class raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Shows the model what your classes look like, and makes a model that maps them elsewhere. It starts from a backbone that already knows multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Make a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on ground that is surely this class. Include what is easily confused, and one class for &#x27;everything else&#x27;. What you do not label is ignored; it does not count as background. Polygons that lie apart also let the tool judge the model on ground that it did not learn from.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images with the labelled ground. Several may share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits count. The colours and names of the layer&#x27;s classes become those of the model.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; learns a class for every pixel; &lt;i&gt;scenes&lt;/i&gt; one label for a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, with labels that say where something changed and where nothing did.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes few of its weights; &lt;i&gt;full&lt;/i&gt; changes all and wants many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by your labels and your machine and says why.&lt;br&gt;&lt;b&gt;Where the model shall work&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it stand other dates, other light and haze; &lt;i&gt;here&lt;/i&gt; is a little better on these very rasters and may fail on others.&lt;br&gt;&lt;b&gt;Rounds&lt;/b&gt;: how often the labels are gone through; 0 stops by itself.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the folder that is suggested it is installed at once, and the tools for maps list it by its name. A file to train on from is written beside it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: how good the model is on labels that were held back, class by class, and how to make it again.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
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
        <source>What the model shall do</source>
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
        <source>auto decides by the number of labels and the machine. quick takes seconds, full learns longest.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model shall work</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes it stand other dates, other light and haze. here is a little better on these rasters and may fail on others.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rounds through the labels (0 = automatic)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, where they differ</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels to hold back for judging (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that the model is judged elsewhere. 0 learns from all of them and cannot say how good the model is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then holds them separated by ; or , or as a list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models to predict with (*.onnx)</source>
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
        <source>There is nothing to learn from. Choose the rasters with the labelled ground.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change is learned from two dates: give the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Give one of the second for each of the first, in the same order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were given, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are for whole scenes, but the task is &#x27;{}&#x27;. Untick it, or choose the task &#x27;scenes&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes are learned from polygons or points with a label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
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
        <source>&lt;p&gt;Turns a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. The file is only read as numbers: nothing in it is executed, and a file with anything else in it is refused.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file to train from, or an .onnx file to make maps with. Written into the plugin&#x27;s model folder it appears in the list of models; elsewhere, give its path as the model.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints (*.pth *.pt *.ckpt *.onnx);;All files (*.*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>What the file holds</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto looks into the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Empty takes the name of the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model to predict with (*.onnx)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>What it is for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the downloaded file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; are not known to the engine: it takes them for classes. Set them in the file instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer of polygons, of points, or a class raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that holds the class of each feature. Its fields are: {fields}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Its fields are: {fields}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Nothing is selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, was not copied to its end, or is of a kind QGIS cannot read. Copy or download it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, was not copied to its end, or is of a kind QGIS cannot read. Copy or download it again.</source>
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
        <source>Limit to this extent</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is computed. Empty means the whole raster.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Compute on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto takes the GPU when it passed its check, else the processor. The log says what was used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap of windows (percent)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>More overlap gives smoother borders between windows and takes longer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
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
        <source>Makes a backbone of your own from imagery alone, without any labels.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Lets a model learn from imagery alone: most of each picture is hidden, and the model learns to fill it in. What comes out is a backbone, from which &#x27;Train model from labels&#x27; makes models for your classes. You do not need this for ordinary work: a backbone is installed with the plugin. It pays when you have much imagery of a kind that the shipped one has not seen, and a GPU or patience.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. Nothing has to be drawn. Sizes, regions and pixel sizes may differ; pixels without data are never learned from.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to go on with, which is quickest, or a size for a fresh start: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:ROUNDS, then if you like :LEARNING RATE, :HIDDEN SHARE and :PATTERN of the raster names, with ; between stages, for example 64:20:1e-3; 128:10:5e-4. Empty chooses by the amount of imagery.&lt;br&gt;&lt;b&gt;Hidden share&lt;/b&gt;: how much of each picture is hidden; 0.9 is what SpectralGPT was made with.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is kept there. Run the tool again with the same values after a stop, and it goes on where it was.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the folder that is suggested it is installed at once.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the curves of the loss, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked picture, what the model made of it, and the error. A good backbone draws fields, roads and shores where they are.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in it are used, beside those chosen above.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from: a backbone, or a size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:ROUNDS[:LEARNING RATE[:HIDDEN SHARE[:PATTERN]]], separated by ;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Hidden share of each picture (0.1 to 0.99)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Rounds of every stage (0 = as the stages say)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pictures at a time (0 = by the memory)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps of a round (0 = by the amount of imagery)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>What the model is judged by</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token is what the published weights were made with; the others add the shape of the spectrum.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Positions from one window size to the next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts them again, as published.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is kept there; a run that was stopped goes on from it.</source>
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
        <source>Loss at the end</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is nothing to learn from. Choose rasters, or a folder of rasters.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not understood. Write each as WINDOW:ROUNDS[:LEARNING RATE[:HIDDEN SHARE[:PATTERN]]], such as 64:20:1e-3, with ; between them.</source>
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
        <source>Computed on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} were chosen for {parameter}. Choose one raster band for each, or none to have them matched automatically.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed one, or a model file (.onnx).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model to train from. Choose its .onnx file, which predicts.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is no model file: expected one that ends in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another one, or an installed model: {fitting}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose one that fits this tool: {fitting}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or give the path of a model file.</source>
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
        <source>labelling scenes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change between two dates</source>
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
        <source>The extent does not touch the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a service without a size of its own. Set the extent to the area you want, or save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it must first be copied: {columns} x {rows} pixels in {count} bands, {size:.1f} GB; at most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use that.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use that.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service answers and that the disk has room, or save the layer as a GeoTIFF and use that.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is shown as {given}, but its file says {own}: the file is believed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer&#x27;s properties; it is honoured here all the same.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is left out: only single values are supported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points of every class of a map, to be looked at and judged by.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery, write down what is really there, and &#x27;Evaluate map&#x27; says how good the map is and how large each class truly is, with intervals (after Olofsson and others, 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 takes as many as the wanted standard error needs.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt;: how far the overall accuracy may typically be off; 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your guess of how much of each class is right.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all the same, which is best for judging rare classes.&lt;br&gt;&lt;b&gt;Fewest points of a class&lt;/b&gt;: 50 or more make the figures of rare classes usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at each in the imagery, and choose the class you see in the field &lt;i&gt;reference&lt;/i&gt;; the form lists the classes of the map. Look at the imagery, not at the map. Points still to do are orange. You may stop early: the first points are a random sample too. Leave out none because it is difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = by the standard error)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Half of it needs four times as many points.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>How points are shared among the classes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Fewest points of a class</source>
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
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Gives every pixel of a multispectral raster a land-cover class.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Gives every pixel of a multispectral raster a class, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Digital numbers and reflectance both work; the log says how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty, and bands are matched by their names or wavelengths. If your raster says neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit what is computed, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. Pixels without data stay without data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are sure. Look at the image yourself where it falls below about 60: there the second-best class was close, often at borders or in places unlike those the model learned from.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
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
        <source>&#x27;{value}&#x27; ({parameter}) is no list of band numbers. Give whole numbers from 1, such as 2,3,4,8, or leave it empty to have bands matched automatically.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed one, or its file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another one, or one of these: {fitting}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be trained on: that needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or give the path of a .safetensors file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is installed: choose it by this name in {tools}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Give the file {path} as the model in {tools}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for a raster)</source>
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
        <source>Uses what is selected in the layer; the rest is left out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise give the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of its file (.safetensors).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Seed of the random numbers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The same seed gives the same result again, on the processor. Try others to see how much varies.</source>
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
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; holds no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
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
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>What the engine says appears here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Make maps with existing models (about 0.5 GB)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Make maps, import checkpoints and train own models (about 1.5 GB)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>With support for an NVIDIA GPU (several GB)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>What for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Install</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Repair</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Test</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Makes the engine anew; the old one stays until it works.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Runs the engine&#x27;s self-test and looks for a GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Removes the engine. Your own models stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Update</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>The engine is installed and ready.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>The engine works, and an update is waiting.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>The engine is not installed yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>The engine computes the maps, in a process of its own. It is downloaded once, into a folder of yours; nothing of QGIS is changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>maps and training</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>maps</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>For {what}, on the {device}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>{size:.2f} GB in {place}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Folder: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Size of the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Remove the engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Remove the SpectralGPT engine? Your own models stay; it can be installed again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Test the SpectralGPT engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Cancelling…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Failed: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Cancelled.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>The engine passed its test.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Python {python} on {platform}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Libraries: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Devices: processor; GPU libraries: {} (a GPU is used once it agreed with the processor)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>Devices: processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Land-cover map…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start fresh: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model or path of a model file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models (*.onnx)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Bands, in this order: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Pixel size it learned at: {:g} m</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Classes: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Licence: {}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>Network and folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>Package index</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>Proxy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/sources_form.py"/>
        <source>Folder for the engine</source>
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
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>To be judged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Judged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
