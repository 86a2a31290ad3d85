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
        <source>Name of the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Empty takes the name of the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model</source>
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
        <location filename="../spectralgpt_qgis/algorithms/polygon_input.py"/>
        <source>The polygon layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/polygon_input.py"/>
        <source>The polygons could not be copied to {path}: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/polygon_input.py"/>
        <source>The layer &#x27;{}&#x27; holds no polygons to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
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
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, was not copied to its end, or is of a kind QGIS cannot read. Copy or download it again.</source>
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
        <source>none</source>
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
        <source>The layer &#x27;{}&#x27; is a service without a size of its own. Set the extent to the area you want.</source>
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
        <source>Class map</source>
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
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
