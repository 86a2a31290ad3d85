<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en" language="es">
<context>
    <name>SpectralGPT</name>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} bands were chosen for {parameter}. Choose one raster band for each, or none to match them automatically.</source>
        <translation>El modelo &#x27;{model}&#x27; necesita {expected} bandas en este orden: {bands}. Se eligieron {given} para {parameter}. Elija una banda del ráster para cada una, o ninguna para que se asignen automáticamente.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The layer &#x27;{layer}&#x27; is an image rendered by a web service, with only red, green and blue. The model &#x27;{model}&#x27; needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>La capa &#x27;{layer}&#x27; es una imagen que dibuja un servicio web, en rojo, verde y azul. El modelo &#x27;{model}&#x27; necesita {expected} bandas medidas: {bands}. Use los datos originales, como GeoTIFF o de un servicio de coberturas (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Imagery</source>
        <translation>Imágenes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Mapping</source>
        <translation>Cartografía</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Training</source>
        <translation>Entrenamiento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Accuracy</source>
        <translation>Exactitud</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Models</source>
        <translation>Modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be at least {low:g}.</source>
        <translation>«{parameter}» ({name}) es {value}; debe ser al menos {low:g}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be between {low:g} and {high:g}.</source>
        <translation>&#x27;{parameter}&#x27; ({name}) es {value}; debe estar entre {low:g} y {high:g}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but this tool cannot write that type of file. Specify a file name that ends in {expected}.</source>
        <translation>&#x27;{parameter}&#x27; debe escribirse en &#x27;{target}&#x27;, que no es un archivo que esta herramienta pueda escribir. Indique un nombre de archivo que termine en {expected}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation> o </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but QGIS cannot open a GeoPackage with a &#x27;;&#x27; in its name, or with a &#x27;%&#x27; followed by two digits (such as %20) in its path. Choose another name or folder.</source>
        <translation>«{parameter}» debe escribirse en «{target}»: QGIS no abre ningún GeoPackage con «;» en el nombre, ni con «%» y dos cifras, como %20, en la ruta. Indique otro nombre u otra carpeta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. The results so far were kept.</source>
        <translation>Detenido antes de terminar. Se conservó lo hecho hasta ese momento.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation>Cancelado. No se escribió nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>The results so far were kept. To continue, run the tool again with the same settings and the same output.</source>
        <translation>Se conservó lo calculado. Ejecute la herramienta de nuevo con la misma configuración y la misma salida: continuará donde se detuvo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation>Etiquetar escenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels grid cells or your own polygons with the kind of scene that a raster shows there.</source>
        <translation>Etiqueta las celdas de una cuadrícula, o sus polígonos, según lo que muestra en ellos un ráster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation>clasificación de escenas,scene classification,etiquetas,labels,teselas,tiles,patches,cuadrícula,grid,zonas,parcelas,polígonos,multietiqueta,multi-label,aprendizaje profundo,deep learning,IA,AI,EuroSAT,Sentinel-2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Determines what kind of scene each place shows, such as a residential area, a highway or annual crops. Each cell or polygon gets one label as a whole; to classify individual pixels, use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 uses the size that the model was trained on, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter out uncertain ones. Below about 60, the second-best label was close. A multi-label model assigns every label above its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Indica qué tipo de escena muestra cada lugar, como una zona residencial, una autopista o cultivos anuales. Una sola etiqueta abarca una celda o un polígono entero; para obtener la clase de cada píxel use &#x27;Mapa de cobertura del suelo&#x27;.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Ráster&lt;/b&gt;: una imagen multiespectral, con todas las bandas en una sola capa.&lt;br&gt;&lt;b&gt;Zonas&lt;/b&gt;: polígonos que etiquetar, como parcelas. Sin zonas, se coloca una cuadrícula sobre el ráster.&lt;br&gt;&lt;b&gt;Tamaño de celda&lt;/b&gt;: el lado de una celda de la cuadrícula en unidades del mapa; 0 toma el tamaño con el que aprendió el modelo, que suele ser lo mejor.&lt;br&gt;&lt;b&gt;Bandas&lt;/b&gt;: déjelo vacío para asignarlas por nombre o longitud de onda.&lt;/p&gt;&lt;h3&gt;Salida&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Escenas etiquetadas&lt;/b&gt;: polígonos con la etiqueta (class_name), su confianza en porcentaje y la probabilidad de cada clase (prob_...), para que pueda filtrar las dudosas. Por debajo de aproximadamente 60, la segunda etiqueta estaba cerca. Un modelo multietiqueta da todas las etiquetas que superaron su umbral; el color es el de la más probable.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own size)</source>
        <translation>Tamaño de celda (0 = el propio del modelo)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Raster</source>
        <translation>Ráster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Bands in the model&#x27;s order (empty = automatic)</source>
        <translation>Bandas en el orden del modelo (vacío = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Zones to label (instead of a grid)</source>
        <translation>Zonas que etiquetar (en lugar de una cuadrícula)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Limit to these polygons (mask)</source>
        <translation>Limitar a estos polígonos (máscara)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labelled scenes</source>
        <translation>Escenas etiquetadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Scenes labelled</source>
        <translation>Número de escenas etiquetadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Detect change</source>
        <translation>Detectar cambios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Maps the changes between two multispectral rasters of the same place.</source>
        <translation>Cartografía lo que cambió entre dos rásteres multiespectrales del mismo lugar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation>detección de cambios,change detection,diferencia,difference,antes,después,before,after,dos fechas,bitemporal,seguimiento,monitoring,aprendizaje profundo,deep learning,IA,AI,construcción,urbano,Sentinel-2,Landsat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change depends on the model: the included one detects construction, ignores seasons and crops, and mostly misses rising or falling water.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is resampled to the grid of the first. Choose cloud-free dates, if possible from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: pixels count as changed from this probability on. Leave it empty to use the threshold of the model; raise it if too much is marked as changed, lower it if changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; removes smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are the most certain. Where values are close to the threshold, compare the two images yourself.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Cartografía lo que cambió en el terreno entre dos fechas. Qué cuenta como cambio lo decide el modelo: el que se incluye busca construcciones, pasa por alto las estaciones y los cultivos, y casi nunca detecta el agua que sube o baja.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Antes&lt;/b&gt; y &lt;b&gt;después&lt;/b&gt;: dos rásteres multiespectrales del mismo lugar. Pueden diferir en cuadrícula, tamaño de píxel y sistema de coordenadas: el segundo se ajusta a la cuadrícula del primero. Elija fechas sin nubes y, si puede, de la misma estación del año.&lt;br&gt;&lt;b&gt;Umbral&lt;/b&gt;: la probabilidad a partir de la cual un píxel cuenta como cambiado. Déjelo vacío para usar el propio del modelo; súbalo si se marca demasiado, bájelo si faltan cambios.&lt;br&gt;&lt;b&gt;Área mínima&lt;/b&gt; descarta los cambios más pequeños.&lt;/p&gt;&lt;h3&gt;Salidas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa de cambios&lt;/b&gt;: 0 sin cambio, 1 cambiado, en la cuadrícula del primer ráster.&lt;br&gt;&lt;b&gt;Probabilidad de cambio&lt;/b&gt; de 0 a 1: las zonas oscuras son seguras. Los valores cercanos al umbral merecen una mirada a ambas imágenes.&lt;br&gt;&lt;b&gt;Polígonos&lt;/b&gt; de lo que cambió, y una tabla de &lt;b&gt;áreas&lt;/b&gt;, medidas sobre el elipsoide.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster before</source>
        <translation>Ráster anterior</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster after</source>
        <translation>Ráster posterior</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Bands of the raster after, if different</source>
        <translation>Bandas del ráster posterior, si son distintas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation>Umbral (de 0 a 1, sin definir = el propio del modelo)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Pixels count as changed from this probability on.</source>
        <translation>La probabilidad a partir de la cual un píxel cuenta como cambiado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Minimum area of a change (m²)</source>
        <translation>Área mínima de un cambio (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change map</source>
        <translation>Mapa de cambios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Probability of change</source>
        <translation>Probabilidad de cambio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change polygons</source>
        <translation>Polígonos de cambio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Area of change</source>
        <translation>Área de cambio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold used</source>
        <translation>Umbral utilizado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Changed area (m²)</source>
        <translation>Área cambiada (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Both dates are the same raster &#x27;{}&#x27;, so no change can be detected. Choose the raster of the second date (AFTER).</source>
        <translation>Ambas fechas son el ráster &#x27;{}&#x27;, en el que nada puede haber cambiado. Elija el ráster de la segunda fecha (AFTER).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The rasters &#x27;{before}&#x27; and &#x27;{after}&#x27; do not overlap, so there is nothing to compare. Choose two rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS).</source>
        <translation>Los rásteres &#x27;{before}&#x27; y &#x27;{after}&#x27; no se solapan, así que no hay nada que comparar. Elija dos rásteres del mismo lugar, o corrija el sistema de coordenadas de uno (clic derecho, SRC de la capa).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Evaluar mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is known.</source>
        <translation>Indica lo bueno que es un mapa o un modelo, con intervalos, a partir de lugares donde se conoce la verdad.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation>evaluación de exactitud,accuracy assessment,validación,validation,matriz de confusión,confusion matrix,matriz de error,error matrix,kappa,F1,IoU,exactitud global,overall accuracy,exactitud del usuario,user&#x27;s accuracy,exactitud del productor,producer&#x27;s accuracy,estimación de áreas,area estimation,Olofsson</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places whose true class you know. The result shows how much of the map is correct, which classes are confused, and how reliable these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample represents the whole map and gives areas corrected for the errors of the map. You can also use polygons that you chose yourself, but their figures apply only to these places. Never use the labels that the model was trained on.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, if you choose a &lt;b&gt;model&lt;/b&gt;, the image to map with it.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; gives all samples the same weight; &lt;i&gt;auto&lt;/i&gt; uses stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence level&lt;/b&gt; of the intervals: at 95, nineteen out of twenty such intervals contain the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also available as numbers in the Model Designer. Overall accuracy is misleading if one class covers most of the map: check each class in the report.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Compara un mapa con lugares donde se sabe qué hay: cuánto es correcto, qué se confunde con qué y lo seguras que son estas cifras.&lt;/p&gt;&lt;h3&gt;Qué recopilar primero&lt;/h3&gt;&lt;p&gt;Extraiga los puntos con &#x27;Extraer muestra de un mapa&#x27; y rellene su campo &lt;i&gt;reference&lt;/i&gt;. Solo una muestra aleatoria así representa a todo el mapa y da áreas corregidas de los errores del mapa. Los polígonos que usted mismo eligió también sirven, pero solo hablan de esos lugares. No use nunca las etiquetas con las que se entrenó el modelo: ya las conoce.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa&lt;/b&gt;: un mapa de clases; o, si elige un &lt;b&gt;modelo&lt;/b&gt;, la imagen que este debe cartografiar.&lt;br&gt;&lt;b&gt;Referencia&lt;/b&gt;: puntos, polígonos o un ráster de clases, en cualquier sistema de coordenadas.&lt;br&gt;&lt;b&gt;Campo&lt;/b&gt;: la clase verdadera, como nombre o como valor de la clase del mapa.&lt;br&gt;&lt;b&gt;Diseño&lt;/b&gt;: cómo se extrajo la referencia. &lt;i&gt;stratified&lt;/i&gt; (estratificado) pondera cada clase por su área en el mapa; &lt;i&gt;simple&lt;/i&gt; cuenta todo por igual; &lt;i&gt;auto&lt;/i&gt; toma stratified para una muestra extraída con este complemento.&lt;br&gt;&lt;b&gt;Confianza&lt;/b&gt;: la de los intervalos. Con 95, diecinueve de cada veinte intervalos contienen el valor verdadero.&lt;/p&gt;&lt;h3&gt;Salidas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Informe&lt;/b&gt;: una página con todas las cifras, para leer o imprimir.&lt;br&gt;&lt;b&gt;Tabla&lt;/b&gt;: la matriz de confusión; las filas son lo verdadero, las columnas lo cartografiado.&lt;br&gt;Las cifras principales son también números que puede usar un modelo gráfico. La exactitud global engaña cuando una clase cubre la mayor parte del mapa: mire cada clase en el informe.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or the raster to map if a model is chosen</source>
        <translation>Mapa de clases o, con un modelo, el ráster que cartografiar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Reference: points, polygons or a class raster</source>
        <translation>Referencia: puntos, polígonos o un ráster de clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>How the reference was drawn</source>
        <translation>Cómo se extrajo la referencia</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>stratified: at random within each class of the map. simple: in any other way.</source>
        <translation>stratified: al azar dentro de cada clase del mapa. simple: de cualquier otra forma.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confidence level of the intervals (percent)</source>
        <translation>Confianza de los intervalos (porcentaje)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>If a model is chosen: bands in its order (empty = automatic)</source>
        <translation>Con un modelo: bandas en su orden (vacío = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confusion matrix</source>
        <translation>Matriz de confusión</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy</source>
        <translation>Exactitud global</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, lower limit of the interval</source>
        <translation>Exactitud global, extremo inferior del intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper limit of the interval</source>
        <translation>Exactitud global, extremo superior del intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Kappa</source>
        <translation>Kappa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean intersection over union</source>
        <translation>Intersección sobre unión media</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean F1 of the classes</source>
        <translation>F1 medio de las clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Places compared</source>
        <translation>Lugares comparados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, area-weighted</source>
        <translation>Exactitud global ponderada por área</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, lower limit of the interval</source>
        <translation>Exactitud ponderada por área, extremo inferior del intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, upper limit of the interval</source>
        <translation>Exactitud ponderada por área, extremo superior del intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Export model</source>
        <translation>Exportar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights.</source>
        <translation>Escribe un modelo como archivo para usarlo en otro lugar: ONNX, ONNX para Deepness o pesos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>model,export,share,ONNX,safetensors,Deepness,weights,convert</source>
        <translation>modelo,model,exportar,export,compartir,share,ONNX,safetensors,Deepness,pesos,weights,convertir,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>&lt;p&gt;Writes a model as one file for use elsewhere.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: for ONNX Runtime and for this plugin on another computer. The file carries the model&#x27;s card: its bands with wavelengths, its scaling, its classes with colours, its accuracy and its licence. A model that only has weights is converted to a graph, which is compared with the original.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: for the QGIS plugin Deepness. Values must be reflectance x 10000 and bands in the model&#x27;s order; scene labels become maps with one class per window; for change detection, stack the bands of both dates. The result is compared with the model before it is saved.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: the weights, for further training; only for models that have them.&lt;/p&gt;&lt;p&gt;To create a file for Deepness, or a graph from weights, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine). Observe the licence of the model if you share it.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Escribe un modelo como un solo archivo para usarlo en otro lugar.&lt;/p&gt;&lt;h3&gt;Formatos&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: para ONNX Runtime y para este complemento en otro equipo. El archivo lleva la ficha del modelo: sus bandas con longitudes de onda, su escalado, sus clases con colores, su exactitud y su licencia. Un modelo que hasta ahora solo tiene pesos se convierte en un grafo, que se compara con ellos.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: para el complemento de QGIS Deepness. Los valores deben ser reflectancia x 10000 y las bandas estar en el orden del modelo; las escenas se convierten en mapas iguales en toda una ventana; para cambios, las bandas de ambas fechas forman una sola pila. Lo que se escribe se compara antes con el modelo.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: los pesos, para entrenar a partir de ellos; solo para modelos que los tienen.&lt;/p&gt;&lt;p&gt;Crear un archivo para Deepness, o un grafo a partir de pesos, requiere las bibliotecas de entrenamiento del motor (SpectralGPT &gt; Motor). Tenga en cuenta la licencia del modelo cuando lo entregue a otros.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Format</source>
        <translation>Formato</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains weights for further training.</source>
        <translation>onnx lleva la ficha del modelo; deepness es para el complemento de QGIS de ese nombre; safetensors son pesos a partir de los que entrenar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Exported model</source>
        <translation>Modelo exportado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>ONNX model (*.onnx);;Model to train from (*.safetensors)</source>
        <translation>Modelo ONNX (*.onnx);;Modelo para entrenar (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Largest difference in a probability</source>
        <translation>Mayor diferencia de una probabilidad</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Choose a model: the name of an installed model, or a model file.</source>
        <translation>Elija un modelo: el nombre de uno instalado, o un archivo de modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>The format &#x27;{format}&#x27; needs a file that ends in {ending}, but the output is &#x27;{output}&#x27;. Change one of them.</source>
        <translation>El formato &#x27;{format}&#x27; es un archivo que termina en {ending}, y la salida es &#x27;{output}&#x27;. Cambie uno de los dos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>There is no model &#x27;{name}&#x27;. Choose one of these: {known}; or a model file.</source>
        <translation>No existe el modelo &#x27;{name}&#x27;. Elija uno de estos: {known}; o un archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation>Entrenar modelo a partir de etiquetas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Trains a model of your own from a few polygons, points or a class raster.</source>
        <translation>Crea un modelo propio a partir de unos pocos polígonos, puntos o un ráster de clases.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation>entrenar,train,ajuste fino,fine-tune,finetune,aprender,learn,muestras,samples,ROI,polígonos,etiquetas,labels,few-shot,clasificación,classification,segmentación,segmentation,cambio,change,bosques aleatorios,random forest,aprendizaje profundo,deep learning,IA,AI,modelo fundacional,foundation model,aprendizaje por transferencia,transfer learning</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Trains a model on your own classes, so that you can map them in other places. It starts from a backbone that was pretrained on multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Create a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on an area that clearly belongs to this class. Include areas that are easily confused, and one class for &#x27;everything else&#x27;. Areas that you do not label are ignored; they do not count as background. If the polygons are spread out, the tool can also measure the accuracy on areas that the model has not seen.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images of the labelled areas. Several images can share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits are included. The model takes over the colours and names of the layer&#x27;s classes.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, with one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; assigns a class to every pixel; &lt;i&gt;scenes&lt;/i&gt; assigns one label to a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, using labels for changed and unchanged areas.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone unchanged and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes a small part of its weights; &lt;i&gt;full&lt;/i&gt; changes all of them and needs many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by the number of labels and your computer, and explains why.&lt;br&gt;&lt;b&gt;Where the model will be used&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it robust to other dates, light and haze; &lt;i&gt;here&lt;/i&gt; is slightly better on these rasters, but may fail on others.&lt;br&gt;&lt;b&gt;Epochs&lt;/b&gt;: how many times the training passes through the labels; with 0, it stops automatically.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the suggested folder it is installed immediately, and the mapping tools list it by its name. A file for further training is written next to it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the accuracy on held-back labels for each class, and how to repeat the training.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Muestra al modelo cómo son sus clases y crea un modelo que las cartografía en otros lugares. Parte de un modelo base (backbone) que ya conoce las imágenes multiespectrales, por lo que bastan unas pocas etiquetas.&lt;/p&gt;&lt;h3&gt;Qué dibujar primero&lt;/h3&gt;&lt;p&gt;Cree una capa de polígonos con un campo para la clase. Dibuje de tres a diez polígonos pequeños de &lt;b&gt;cada&lt;/b&gt; clase, en lugares distintos, cada uno sobre terreno que sea con seguridad de esa clase. Incluya lo que se confunde con facilidad, y una clase para &#x27;todo lo demás&#x27;. Lo que no etiquete se ignora; no cuenta como fondo. Los polígonos separados entre sí permiten además que la herramienta juzgue el modelo en terreno del que no aprendió.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rásteres&lt;/b&gt;: las imágenes con el terreno etiquetado. Varias pueden compartir una capa de etiquetas.&lt;br&gt;&lt;b&gt;Etiquetas&lt;/b&gt;: polígonos, puntos o un ráster de clases, en cualquier sistema de coordenadas. Las ediciones sin guardar cuentan. Los colores y nombres de las clases de la capa pasan a ser los del modelo.&lt;br&gt;&lt;b&gt;Campo&lt;/b&gt;: texto o números enteros, un valor para cada clase.&lt;br&gt;&lt;b&gt;Tarea&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; aprende una clase para cada píxel; &lt;i&gt;scenes&lt;/i&gt;, una etiqueta para un polígono entero; &lt;i&gt;change&lt;/i&gt; compara los rásteres con los de una segunda fecha, con etiquetas que dicen dónde cambió algo y dónde no cambió nada.&lt;br&gt;&lt;b&gt;Método&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; (rápido) mantiene el modelo base y tarda segundos; &lt;i&gt;adapters&lt;/i&gt; (adaptadores) cambia unos pocos de sus pesos; &lt;i&gt;full&lt;/i&gt; (completo) los cambia todos y necesita muchas etiquetas y una GPU. &lt;i&gt;auto&lt;/i&gt; decide según sus etiquetas y su equipo, y dice por qué.&lt;br&gt;&lt;b&gt;Dónde debe funcionar el modelo&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; (en cualquier lugar) hace que resista otras fechas, otra luz y la bruma; &lt;i&gt;here&lt;/i&gt; (aquí) es algo mejor en estos mismos rásteres y puede fallar en otros.&lt;br&gt;&lt;b&gt;Rondas&lt;/b&gt;: cuántas veces se recorren las etiquetas; con 0 se detiene por sí solo.&lt;/p&gt;&lt;h3&gt;Salidas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modelo&lt;/b&gt;: en la carpeta sugerida queda instalado de inmediato, y las herramientas de mapas lo listan por su nombre. Junto a él se escribe un archivo con el que seguir entrenando.&lt;br&gt;&lt;b&gt;Informe&lt;/b&gt;: lo bueno que es el modelo con etiquetas que se reservaron, clase por clase, y cómo volver a crearlo.&lt;/p&gt;&lt;p&gt;Requiere las bibliotecas de entrenamiento del motor (SpectralGPT &gt; Motor).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Name of the model</source>
        <translation>Nombre del modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method used</source>
        <translation>Método utilizado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Classes</source>
        <translation>Clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters</source>
        <translation>Rásteres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels: polygons, points or a class raster</source>
        <translation>Etiquetas: polígonos, puntos o un ráster de clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Task of the model</source>
        <translation>Qué debe hacer el modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A class for every pixel, a label for a whole polygon, or change between two dates.</source>
        <translation>Una clase para cada píxel, una etiqueta para un polígono entero, o los cambios entre dos fechas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of the second date (for change only)</source>
        <translation>Rásteres de la segunda fecha (solo para cambios)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model to start from</source>
        <translation>Modelo de partida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method</source>
        <translation>Método</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>auto decides by the number of labels and the computer. quick trains only a last layer and takes seconds; adapters also trains a small part of the model; full trains all of it and takes longest.</source>
        <translation>auto decide según el número de etiquetas y el equipo. quick ajusta un último paso sobre el modelo tal como está y tarda segundos; con adapters aprende también una pequeña parte del modelo; con full, todo, y es lo que más tarda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model will be used</source>
        <translation>Dónde debe funcionar el modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes the model robust to other dates, light and haze. here is slightly better on these rasters, but may fail on others.</source>
        <translation>anywhere hace que resista otras fechas, otra luz y la bruma. here es algo mejor en estos rásteres y puede fallar en otros.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Epochs (0 = automatic)</source>
        <translation>Rondas por las etiquetas (0 = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, if different</source>
        <translation>Bandas de la segunda fecha, si son distintas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels held back for validation (percent)</source>
        <translation>Etiquetas que reservar para juzgar (porcentaje)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that accuracy is measured on areas that the model has not seen. With 0, all labels are used for training, and the accuracy is not measured.</source>
        <translation>Se reservan grupos enteros de etiquetas vecinas, de modo que el modelo se juzga en otro lugar. Con 0 aprende de todas y no puede decir lo bueno que es el modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation>Una escena puede tener varias etiquetas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then contains several labels separated by ; or , or as a list.</source>
        <translation>Para escenas: el campo las contiene entonces separadas por ; o , o como lista.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation>Modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models for mapping (*.onnx)</source>
        <translation>Modelos para predecir (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>No training data was specified. Choose the rasters with the labelled areas.</source>
        <translation>No hay nada de lo que aprender. Elija los rásteres con el terreno etiquetado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation>Los cambios se aprenden de dos fechas: indique los rásteres de la segunda fecha (AFTER), uno para cada uno de la primera, en el mismo orden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one of the second date for each of the first, in the same order.</source>
        <translation>Hay {before} rásteres de la primera fecha (INPUT) y {after} de la segunda (AFTER). Indique uno de la segunda para cada uno de la primera, en el mismo orden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were specified, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation>Se indicaron rásteres de una segunda fecha (AFTER), pero la tarea es &#x27;{task}&#x27;. Elija la tarea &#x27;change&#x27;, o deje vacía la segunda fecha.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are only possible for whole scenes, but the task is &#x27;{}&#x27;. Untick this option, or choose the task &#x27;scenes&#x27;.</source>
        <translation>Varias etiquetas (MULTILABEL) son para escenas enteras, pero la tarea es &#x27;{}&#x27;. Desmárquelo, o elija la tarea &#x27;scenes&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes need polygons or points with one label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
        <translation>Las escenas se aprenden de polígonos o puntos con una etiqueta cada uno, pero &#x27;{}&#x27; es un ráster. Elija una capa vectorial, o la tarea &#x27;segmentation&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Land-cover map&#x27;</source>
        <translation>&#x27;Mapa de cobertura del suelo&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Label scenes&#x27;</source>
        <translation>&#x27;Etiquetar escenas&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Detect change&#x27;</source>
        <translation>&#x27;Detectar cambios&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Import model</source>
        <translation>Importar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Turns a published SpectralGPT checkpoint into a model for this plugin.</source>
        <translation>Convierte un checkpoint publicado de SpectralGPT en un modelo para este complemento.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</source>
        <translation>modelo,model,checkpoint,pesos,weights,pth,ONNX,safetensors,SpectralGPT,importar,import,convertir,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>&lt;p&gt;Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. Only the weights in the file are read: no code in it is executed, and files with any other content are rejected.&lt;/p&gt;&lt;p&gt;A model made with this plugin on another computer (.onnx, .safetensors) is checked and copied.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file for training, or an .onnx file for mapping. In the model folder of the plugin it appears in the list of models; in any other folder, specify its path as the model.&lt;/p&gt;&lt;p&gt;To import a checkpoint, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Convierte un checkpoint publicado de SpectralGPT (SpectralGPT.pth, SpectralGPT+.pth, o uno con ajuste fino para segmentación o cambios) en un archivo de modelo para este complemento. El archivo solo se lee como números: nada de lo que contiene se ejecuta, y un archivo con cualquier otra cosa se rechaza.&lt;/p&gt;&lt;p&gt;Un modelo que este complemento creó en otro equipo (.onnx, .safetensors) se comprueba y se copia.&lt;/p&gt;&lt;h3&gt;Salida&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modelo&lt;/b&gt;: un archivo .safetensors con el que entrenar, o un archivo .onnx con el que hacer mapas. Escrito en la carpeta de modelos del complemento, aparece en la lista de modelos; en otro lugar, indique su ruta como modelo.&lt;/p&gt;&lt;p&gt;Un checkpoint requiere las bibliotecas de entrenamiento del motor (SpectralGPT &gt; Motor).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation>Checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)</source>
        <translation>Checkpoints y modelos (*.pth *.pt *.ckpt *.onnx *.safetensors);;Todos los archivos (*.*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Content of the file</source>
        <translation>Qué contiene el archivo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto detects it from the file.</source>
        <translation>auto examina el archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Leave empty to use the name of the file.</source>
        <translation>Vacío toma el nombre del archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model for mapping (*.onnx)</source>
        <translation>Modelo para entrenar (*.safetensors);;Modelo para predecir (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Purpose of the model</source>
        <translation>Para qué sirve</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the file that you downloaded.</source>
        <translation>No existe el checkpoint &#x27;{}&#x27;. Elija el archivo descargado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>A model is imported without conversion, so the output must end in {ending}, like &#x27;{given}&#x27;.</source>
        <translation>Un modelo se incorpora tal como es: la salida debe terminar en {ending}, como &#x27;{given}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; cannot be passed to the engine, which would treat them as classes. Set them in the file instead.</source>
        <translation>El motor no conoce los valores sin datos adicionales de &#x27;{}&#x27;: los toma por clases. Defínalos en el archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer with polygons or points, or a class raster.</source>
        <translation>La capa &#x27;{}&#x27; no tiene ni polígonos ni puntos. Elija una capa de polígonos, de puntos, o un ráster de clases.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation>ninguno</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that contains the class of each feature. Available fields: {fields}.</source>
        <translation>Elija el campo de &#x27;{layer}&#x27; que contiene la clase de cada objeto. Sus campos son: {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Available fields: {fields}.</source>
        <translation>La capa &#x27;{layer}&#x27; no tiene el campo &#x27;{field}&#x27;. Sus campos son: {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>No features are selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation>No hay nada seleccionado en &#x27;{}&#x27;. Seleccione los objetos que se usarán, o desmarque &#x27;Objetos seleccionados solamente&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The labels &#x27;{layer}&#x27; have only one class: &#x27;{label}&#x27;. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>Las etiquetas &#x27;{layer}&#x27; tienen una sola clase: &#x27;{label}&#x27;. Etiquete también lo que no es de esta clase, por ejemplo como &#x27;otro&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>El archivo &#x27;{file}&#x27; ({name}) no se puede abrir como ráster: está dañado, no se copió por completo, o es de un tipo que QGIS no puede leer. Cópielo o descárguelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>El archivo &#x27;{file}&#x27; ({name}) no se puede abrir como capa: está dañado, no se copió por completo, o es de un tipo que QGIS no puede leer. Cópielo o descárguelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Open satellite product</source>
        <translation>Abrir producto satelital</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked.</source>
        <translation>Abre un producto de Sentinel-2, Landsat o HLS como un solo ráster, con las nubes enmascaradas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,QA_PIXEL,reflectance,import</source>
        <translation>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bandas,apilar,ráster virtual,VRT,nubes,máscara de nubes,SCL,QA_PIXEL,reflectancia,importar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>&lt;p&gt;Opens a satellite product as it was downloaded, and combines it into one raster for the other tools, with named bands, values as reflectance, and masked clouds. No pixels are copied: the raster is a small file that refers to the product, so keep the product where it is.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Product&lt;/b&gt;: any file of the product, or its archive: Sentinel-2 Level-2A or Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 (folder). Scripts can also pass the folder.&lt;br&gt;&lt;b&gt;Pixel size&lt;/b&gt;: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for Landsat and HLS. Coarser bands are repeated, finer ones averaged.&lt;br&gt;&lt;b&gt;Mask clouds&lt;/b&gt;: clouds, their shadows and cirrus become no-data, based on the layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the result.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a virtual raster (.vrt), shown in natural colours; the mask is written beside it. Thermal, panchromatic and quality bands are left out.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Abre un producto satelital tal como se descargó y hace de él un ráster para las demás herramientas: todas las bandas con sus nombres, los valores como reflectancia y las nubes enmascaradas. No se copian píxeles: el ráster es un archivo pequeño que remite al producto, así que deje el producto donde está.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Producto&lt;/b&gt;: cualquier archivo del producto, o su archivo comprimido: Sentinel-2 Level-2A o Level-1C (carpeta .SAFE o .zip), Landsat Collection 2 (carpeta o .tar), HLS versión 2 (carpeta). Los scripts también pueden indicar la carpeta.&lt;br&gt;&lt;b&gt;Tamaño de píxel&lt;/b&gt;: 0 toma el más fino del producto: 10 m en Sentinel-2, 30 m en Landsat y HLS. Las bandas más gruesas se repiten, las más finas se promedian.&lt;br&gt;&lt;b&gt;Enmascarar nubes&lt;/b&gt;: las nubes, sus sombras y los cirros pasan a ser sin datos, según la capa que acompaña al producto (SCL, MSK_CLASSI, QA_PIXEL o Fmask). Pasa por alto nubes finas, y a veces toma techos claros o nieve por nubes: revise el resultado.&lt;/p&gt;&lt;h3&gt;Salida&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Ráster&lt;/b&gt;: un ráster virtual (.vrt), mostrado en colores naturales; la máscara se escribe junto a él. Se omiten las bandas térmicas, pancromáticas y de calidad.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product (any of its files, or its archive)</source>
        <translation>Producto (cualquiera de sus archivos, o su archivo comprimido)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)</source>
        <translation>Productos satelitales (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;Todos los archivos (*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Pixel size in metres (0 = the finest)</source>
        <translation>Tamaño de píxel en metros (0 = el más fino)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m.</source>
        <translation>Sentinel-2 tiene bandas de 10, 20 y 60 m; Landsat y HLS, de 30 m.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Mask clouds and their shadows</source>
        <translation>Enmascarar las nubes y sus sombras</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Masked (percent; -1 without a mask)</source>
        <translation>Enmascarado (por ciento; -1 sin máscara)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product</source>
        <translation>Producto</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Date</source>
        <translation>Fecha</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise choose one raster band for each band of the model, in the model&#x27;s order.</source>
        <translation>Déjelo vacío para asignar las bandas por nombre, descripción o longitud de onda. Si no, elija una banda del ráster para cada banda del modelo, en el orden del modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx).</source>
        <translation>El nombre de un modelo instalado, o la ruta de un archivo de modelo (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx or .safetensors).</source>
        <translation>El nombre de un modelo instalado, o la ruta de un archivo de modelo (.onnx o .safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Limit to this extent</source>
        <translation>Limitar a esta extensión</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is processed. Leave empty for the whole raster.</source>
        <translation>Solo se calcula este rectángulo. Vacío significa todo el ráster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processing device</source>
        <translation>Calcular en</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used.</source>
        <translation>auto usa la GPU si superó su comprobación y, si no, el procesador. El registro dice qué se usó.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap between windows (percent)</source>
        <translation>Solape de las ventanas (porcentaje)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A larger overlap gives smoother transitions between windows, but takes longer.</source>
        <translation>Más solape da transiciones más suaves entre ventanas y tarda más.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
        <translation>Hilos del procesador (0 = todos)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>First show a quick look at the current map view</source>
        <translation>Mostrar primero una vista rápida de lo que muestra el mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A coarse map of the current view appears after a few seconds, while the full result is being computed. It is removed when the run ends.</source>
        <translation>Un mapa aproximado de la vista aparece en unos segundos, mientras se calcula el completo. Se quita cuando termina la ejecución.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Write Cloud Optimized GeoTIFFs</source>
        <translation>Escribir Cloud Optimized GeoTIFF</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>CSV table (*.csv)</source>
        <translation>Tabla CSV (*.csv)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pretrain backbone</source>
        <translation>Preentrenar modelo base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Trains a backbone of your own from imagery alone, without labels.</source>
        <translation>Crea un modelo base propio solo a partir de imágenes, sin ninguna etiqueta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation>preentrenamiento,pretraining,modelo base,backbone,modelo fundacional,foundation model,autosupervisado,self-supervised,masked autoencoder,MAE,sin etiquetas,unlabelled,imágenes,imagery,aprendizaje profundo,deep learning,IA,AI,SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Trains a model from imagery alone: most of each image is masked, and the model learns to reconstruct it. The result is a backbone, from which &#x27;Train model from labels&#x27; creates models for your classes. You do not need this for ordinary work, as the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a kind that the included backbone was not trained on, and a GPU or plenty of time.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data pixels are never used.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to continue training, which is quickest, or a network size to start from random weights: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the stages depend on the amount of imagery.&lt;br&gt;&lt;b&gt;Masked share&lt;/b&gt;: how much of each image is masked; SpectralGPT was trained with 0.9.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is saved there. After an interruption, run the tool again with the same values to continue.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the suggested folder it is installed immediately.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the loss curves, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked image, its reconstruction by the model, and the error. A good backbone reconstructs fields, roads and shorelines in the right places.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Hace que un modelo aprenda solo de imágenes: se oculta la mayor parte de cada imagen y el modelo aprende a completarla. El resultado es un modelo base (backbone), a partir del cual &#x27;Entrenar modelo a partir de etiquetas&#x27; crea modelos para sus clases. No lo necesita para el trabajo habitual: con el complemento se instala un modelo base. Compensa cuando tiene muchas imágenes de un tipo que el incluido no ha visto, y una GPU o paciencia.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rásteres&lt;/b&gt; y &lt;b&gt;carpeta&lt;/b&gt;: imágenes de muchos lugares y fechas, con pocas nubes. No hay que dibujar nada. Los tamaños, las regiones y los tamaños de píxel pueden diferir; nunca se aprende de los píxeles sin datos.&lt;br&gt;&lt;b&gt;Partir de&lt;/b&gt;: un modelo base con el que continuar, que es lo más rápido, o un tamaño para empezar de cero: tiny y small para un procesador, base y mayores para GPU.&lt;br&gt;&lt;b&gt;Etapas&lt;/b&gt;: primero ventanas pequeñas, después mayores. Cada etapa es VENTANA:RONDAS y después, si se desea, :TASA DE APRENDIZAJE, :PARTE OCULTA y :PATRÓN de los nombres de los rásteres, con ; entre etapas, por ejemplo 64:20:1e-3; 128:10:5e-4. Vacío elige según la cantidad de imágenes.&lt;br&gt;&lt;b&gt;Parte oculta&lt;/b&gt;: cuánto se oculta de cada imagen; 0.9 es el valor con el que se creó SpectralGPT.&lt;br&gt;&lt;b&gt;Carpeta desde la que reanudar&lt;/b&gt;: ahí se guarda el progreso. Ejecute la herramienta de nuevo con los mismos valores tras una parada, y continuará donde estaba.&lt;/p&gt;&lt;h3&gt;Salidas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modelo base&lt;/b&gt;: en la carpeta sugerida queda instalado de inmediato.&lt;br&gt;&lt;b&gt;Informe&lt;/b&gt;: las curvas de la pérdida, los datos y la configuración.&lt;br&gt;&lt;b&gt;Reconstrucción&lt;/b&gt;: un ráster con una imagen enmascarada, lo que el modelo hizo de ella y el error. Un buen modelo base dibuja los campos, las carreteras y las orillas donde están.&lt;/p&gt;&lt;p&gt;Requiere las bibliotecas de entrenamiento del motor (SpectralGPT &gt; Motor).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Final loss</source>
        <translation>Pérdida al final</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation>Carpeta de rásteres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in this folder are used, in addition to those chosen above.</source>
        <translation>Se usan todos los rásteres que contiene, además de los elegidos arriba.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from a backbone, or a network size</source>
        <translation>Partir de: un modelo base, o un tamaño</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation>Etapas (vacío = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;</source>
        <translation>VENTANA:RONDAS[:TASA DE APRENDIZAJE[:PARTE OCULTA[:PATRÓN]]], separadas por ;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Masked share of each image (0.1 to 0.99)</source>
        <translation>Parte oculta de cada imagen (de 0.1 a 0.99)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Epochs of every stage (0 = as specified in the stages)</source>
        <translation>Rondas de cada etapa (0 = las que digan las etapas)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Batch size (0 = depending on memory)</source>
        <translation>Imágenes a la vez (0 = según la memoria)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps per epoch (0 = depending on the amount of imagery)</source>
        <translation>Pasos de una ronda (0 = según la cantidad de imágenes)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Loss function</source>
        <translation>Con qué se juzga el modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token was used for the published weights; the others also take the shape of the spectrum into account.</source>
        <translation>token es aquello con lo que se crearon los pesos publicados; los demás añaden la forma del espectro.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Position embedding when the window size changes</source>
        <translation>Posiciones de un tamaño de ventana al siguiente</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts again, as in the published method.</source>
        <translation>interpolate conserva lo aprendido; drop las empieza de nuevo, como en la publicación.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation>Carpeta desde la que reanudar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is saved there, and an interrupted run continues from it.</source>
        <translation>Ahí se guarda el progreso; una ejecución detenida continúa desde él.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Backbone</source>
        <translation>Modelo base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Models to train from (*.safetensors)</source>
        <translation>Modelos para entrenar (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Reconstruction</source>
        <translation>Reconstrucción</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another folder.</source>
        <translation>No existe la carpeta &#x27;{}&#x27; con rásteres. Elija otra.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>No training data was specified. Choose rasters, or a folder of rasters.</source>
        <translation>No hay nada de lo que aprender. Elija rásteres, o una carpeta de rásteres.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;.</source>
        <translation>La etapa &#x27;{stage}&#x27; no se entiende. Escriba cada una como VENTANA:RONDAS[:TASA DE APRENDIZAJE[:PARTE OCULTA[:PATRÓN]]], por ejemplo 64:20:1e-3, con ; entre ellas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&#x27;Train model from labels&#x27;</source>
        <translation>&#x27;Entrenar modelo a partir de etiquetas&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows computed</source>
        <translation>Ventanas calculadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows skipped</source>
        <translation>Ventanas omitidas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Classes found</source>
        <translation>Clases encontradas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Device used</source>
        <translation>Calculado en</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed model, or a model file (.onnx).</source>
        <translation>Elija un modelo: el nombre de uno instalado, o un archivo de modelo (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model for training. Choose its .onnx file, which makes predictions.</source>
        <translation>&#x27;{}&#x27; es un modelo para entrenar. Elija su archivo .onnx, que es el que predice.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is not a model file: its name must end in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation>&#x27;{}&#x27; no es un archivo de modelo: se esperaba uno que termine en .onnx. Importe otros formatos con &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or an installed model: {fitting}.</source>
        <translation>No existe el archivo de modelo &#x27;{name}&#x27;. Elija otro, o un modelo instalado: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose a model for this tool: {fitting}.</source>
        <translation>El modelo &#x27;{name}&#x27; es para {task}. Elija uno adecuado para esta herramienta: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or specify the path of a model file.</source>
        <translation>No hay ningún modelo instalado &#x27;{name}&#x27;. Elija uno de estos: {fitting}; o indique la ruta de un archivo de modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>No quick look: there is no map view to show it in.</source>
        <translation>Sin vista rápida: no hay mapa donde mostrarla.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole raster.</source>
        <translation>La extensión está vacía: su anchura o su altura es 0. Dibújela de nuevo, o déjela vacía para usar todo el ráster.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>land-cover maps</source>
        <translation>mapas de cobertura del suelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>scene classification</source>
        <translation>etiquetar escenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change detection</source>
        <translation>cambios entre dos fechas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>fine-tuning</source>
        <translation>ajuste fino</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be opened. Check its source, or remove it and add it again.</source>
        <translation>La capa &#x27;{}&#x27; no se puede abrir. Compruebe su fuente, o elimínela y añádala de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The extent does not intersect the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation>La extensión no toca la capa &#x27;{}&#x27;. Dibuje una extensión sobre la capa, o déjela vacía.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a web service without a fixed size. If the tool has an extent parameter, set it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>La capa &#x27;{}&#x27; es un servicio sin tamaño propio. Defina como extensión el área deseada, donde la herramienta tenga una, o guarde esa área como GeoTIFF (clic derecho, Exportar, Guardar como) y use el archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is a service without a size of its own: it is read at {metres:g} m on the ground, there {across:.6g} x {down:.6g} units of {crs}.</source>
        <translation>La capa &#x27;{name}&#x27; es un servicio sin tamaño propio: se lee a {metres:g} m sobre el terreno, allí {across:.6g} x {down:.6g} unidades de {crs}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it has to be copied first: {columns} x {rows} pixels in {count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>La capa &#x27;{name}&#x27; no es un archivo, así que primero debe copiarse: {columns} x {rows} píxeles en {count} bandas, {size:.1f} GB; se pueden copiar como máximo {limit:.1f} GB. Defina una extensión menor, o guarde la capa como GeoTIFF (clic derecho, Exportar, Guardar como) y úselo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use the file.</source>
        <translation>La capa &#x27;{}&#x27; no se puede leer píxel a píxel. Guárdela como GeoTIFF y úselo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the file.</source>
        <translation>La capa &#x27;{name}&#x27; no se pudo copiar a {path} (error {code}). Compruebe que el servicio responde y que hay espacio en el disco, o guarde la capa como GeoTIFF y úselo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; has the CRS {given}, but its file specifies {own}. The CRS of the file is used.</source>
        <translation>La capa &#x27;{name}&#x27; se muestra como {given}, pero su archivo dice {own}: se da crédito al archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation>Extraer muestra de un mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points from each class of a map, as reference data for accuracy assessment.</source>
        <translation>Extrae puntos aleatorios de cada clase de un mapa, para examinarlos y juzgar con ellos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation>evaluación de exactitud,accuracy assessment,validación,validation,muestra aleatoria estratificada,stratified random sample,puntos de referencia,reference points,verdad terreno,ground truth,Olofsson,buenas prácticas,good practice,diseño de respuesta,response design</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery and record the true class. &#x27;Evaluate map&#x27; then estimates the accuracy of the map and the true area of each class, with confidence intervals (Olofsson et al. 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 uses as many as are needed for the standard error.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt; of the overall accuracy: 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your estimate of the share of each class that is correct.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all classes the same number, which is best for rare classes.&lt;br&gt;&lt;b&gt;Minimum number of points per class&lt;/b&gt;: with 50 or more, the figures of rare classes are usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at the imagery, and set the field &lt;i&gt;reference&lt;/i&gt; to the class that you see; the form lists the classes of the map. Look at the imagery, not at the map. Points that are not labelled yet are orange. You can stop early: the first points are also a random sample. Do not skip points because they are difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Extrae puntos aleatorios de cada clase de un mapa. Usted mira cada lugar en buenas imágenes, anota lo que hay realmente, y &#x27;Evaluar mapa&#x27; dice lo bueno que es el mapa y lo grande que es de verdad cada clase, con intervalos (según Olofsson y otros, 2014).&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa de clases&lt;/b&gt;: de &#x27;Mapa de cobertura del suelo&#x27;, de &#x27;Detectar cambios&#x27; o de otro origen; números enteros en la primera banda.&lt;br&gt;&lt;b&gt;Número de puntos&lt;/b&gt;: 0 toma tantos como requiere el error estándar deseado.&lt;br&gt;&lt;b&gt;Error estándar&lt;/b&gt;: cuánto puede desviarse normalmente la exactitud global; 0.01 es el 1 por ciento.&lt;br&gt;&lt;b&gt;Exactitud esperada&lt;/b&gt;: su estimación de cuánto de cada clase es correcto.&lt;br&gt;&lt;b&gt;Reparto&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; (proporcional) da más puntos a las clases grandes, lo mejor para las áreas; &lt;i&gt;equal&lt;/i&gt; (igual) da los mismos a todas, lo mejor para juzgar las clases raras.&lt;br&gt;&lt;b&gt;Mínimo de puntos de una clase&lt;/b&gt;: con 50 o más, las cifras de las clases raras son utilizables.&lt;/p&gt;&lt;h3&gt;Salida&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Puntos de muestra&lt;/b&gt;: recórralos uno a uno, mire cada uno en las imágenes y elija en el campo &lt;i&gt;reference&lt;/i&gt; la clase que ve; el formulario lista las clases del mapa. Mire las imágenes, no el mapa. Los puntos pendientes son naranjas. Puede detenerse antes: los primeros puntos también son una muestra aleatoria. No omita ninguno por ser difícil.&lt;/p&gt;&lt;p&gt;Ejecute después &#x27;Evaluar mapa&#x27; con el mapa, estos puntos y el campo reference.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation>Mapa de clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = from the standard error)</source>
        <translation>Número de puntos (0 = según el error estándar)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation>Error estándar de la exactitud global</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Halving it needs four times as many points.</source>
        <translation>0.01 es el 1 por ciento. La mitad requiere cuatro veces más puntos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation>Exactitud esperada de cada clase (de 0 a 1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Allocation of the points to the classes</source>
        <translation>Cómo se reparten los puntos entre las clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation>proportional: según el área de cada clase. equal: los mismos para todas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Minimum number of points per class</source>
        <translation>Mínimo de puntos de una clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Sample points</source>
        <translation>Puntos de muestra</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Points</source>
        <translation>Puntos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&#x27;{name}&#x27; is an image with {bands} bands, not a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>&#x27;{name}&#x27; es una imagen con {bands} bandas, no un mapa de clases. Elija un mapa de clases, por ejemplo uno hecho con &#x27;Mapa de cobertura del suelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation>Mapa de cobertura del suelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Assigns a land-cover class to every pixel of a multispectral raster.</source>
        <translation>Da a cada píxel de un ráster multiespectral una clase de cobertura del suelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation>cobertura del suelo,land cover,uso del suelo,land use,segmentación,segmentation,clasificación,classification,píxel,pixel,aprendizaje profundo,deep learning,IA,AI,modelo fundacional,foundation model,Sentinel-2,Landsat,agua,water,bosque,forest,cultivos,crops</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Assigns a class to every pixel of a multispectral raster, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Both digital numbers and reflectance can be used; the log shows how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match bands by their names or wavelengths. If your raster has neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the area to process, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. No-data pixels remain no-data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are the most certain. Below about 60, the second-best class was close, often at class boundaries or in places unlike the training data: check the image there.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Da a cada píxel de un ráster multiespectral una clase, como agua, árboles o suelo edificado.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Ráster&lt;/b&gt;: una imagen multiespectral como Sentinel-2 o Landsat, con todas las bandas en una sola capa. Sirven tanto los niveles digitales como la reflectancia; el registro dice cómo se escalaron los valores.&lt;br&gt;&lt;b&gt;Bandas&lt;/b&gt;: déjelo vacío, y las bandas se asignan por sus nombres o longitudes de onda. Si su ráster no indica ninguno de los dos, elija una banda para cada banda del modelo, en el orden del modelo (vea la descripción emergente del modelo).&lt;br&gt;&lt;b&gt;Extensión&lt;/b&gt; y &lt;b&gt;máscara&lt;/b&gt; limitan lo que se calcula, de modo que un área pequeña es rápida incluso en una escena grande.&lt;br&gt;&lt;b&gt;Área mínima&lt;/b&gt; une las manchas más pequeñas a sus vecinas.&lt;/p&gt;&lt;h3&gt;Salidas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa de clases&lt;/b&gt;: un GeoTIFF en la cuadrícula del ráster, con los nombres y colores de clase del modelo. Los píxeles sin datos siguen sin datos.&lt;br&gt;&lt;b&gt;Confianza&lt;/b&gt;: la probabilidad de la clase elegida en porcentaje. Los valores cercanos a 100 son seguros. Mire usted mismo la imagen donde baje de aproximadamente 60: ahí la segunda clase estaba cerca, a menudo en los bordes o en lugares distintos de aquellos de los que aprendió el modelo.&lt;br&gt;&lt;b&gt;Polígonos&lt;/b&gt; con la clase y la confianza media, y una tabla del &lt;b&gt;área&lt;/b&gt; de cada clase, medida sobre el elipsoide.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Minimum area of a patch (m²)</source>
        <translation>Área mínima de una mancha (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Confidence (percent)</source>
        <translation>Confianza (porcentaje)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Class polygons</source>
        <translation>Polígonos de clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Area of each class</source>
        <translation>Área de cada clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Mapped area (m²)</source>
        <translation>Área cartografiada (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{value}&#x27; ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, such as 2,3,4,8, or leave it empty to match bands automatically.</source>
        <translation>&#x27;{value}&#x27; ({parameter}) no es una lista de números de banda. Indique números enteros desde 1, como 2,3,4,8, o déjelo vacío para que las bandas se asignen automáticamente.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed model, or a model file.</source>
        <translation>Elija un modelo de partida: el nombre de uno instalado, o su archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or one of these: {fitting}.</source>
        <translation>No existe el archivo de modelo &#x27;{name}&#x27;. Elija otro, o uno de estos: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be used for training, which needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation>No se puede entrenar a partir de &#x27;{name}&#x27;: hace falta un archivo que termine en .safetensors. Elija uno de estos: {fitting}; o importe un checkpoint publicado con &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or specify the path of a .safetensors file.</source>
        <translation>No hay ningún modelo instalado &#x27;{name}&#x27; del que partir. Elija uno de estos: {fitting}; o indique la ruta de un archivo .safetensors.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is now installed. Choose it by this name in {tools}.</source>
        <translation>El modelo &#x27;{name}&#x27; está instalado: elíjalo por este nombre en {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose the file {path} as the model in {tools}.</source>
        <translation>Indique el archivo {path} como modelo en {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for rasters)</source>
        <translation>Campo con la clase (no para un ráster)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Text or whole numbers: one value for each class.</source>
        <translation>Texto o números enteros: un valor para cada clase.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Selected features only</source>
        <translation>Objetos seleccionados solamente</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Only the selected features of the layer are used.</source>
        <translation>Usa lo que está seleccionado en la capa; el resto se omite.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation>Déjelo vacío para asignar las bandas por nombre, descripción o longitud de onda. Si no, indique el número de una banda del ráster para cada banda del modelo, en el orden del modelo, como 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of a model file (.safetensors).</source>
        <translation>El nombre de un modelo instalado a partir del que entrenar, o la ruta de su archivo (.safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Random seed</source>
        <translation>Semilla de los números aleatorios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>On the processor, the same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>La misma semilla vuelve a dar el mismo resultado, en el procesador. Pruebe otras para ver cuánto varía.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Report</source>
        <translation>Informe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Web page (*.html)</source>
        <translation>Página web (*.html)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Find places to label next</source>
        <translation>Buscar los próximos lugares que etiquetar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Finds the places in a raster where a model is least certain, in order.</source>
        <translation>Busca los lugares de un ráster en los que un modelo está menos seguro, por orden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</source>
        <translation>aprendizaje activo,active learning,incertidumbre,uncertainty,margin sampling,breaking ties,datos de entrenamiento,training data,etiquetas,labels,muestras,samples,anotación,annotation,aprendizaje profundo,deep learning,IA,AI,modelo fundacional,foundation model</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>&lt;p&gt;Finds the places where new labels help a model most: those where its two most probable classes are nearly equal. A few such places improve a model more than many that it already classifies well.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; and &lt;b&gt;model&lt;/b&gt;: the image to map, and the model that you want to improve.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;br&gt;&lt;b&gt;Number of places&lt;/b&gt;: how many places you want to label.&lt;br&gt;&lt;b&gt;Size of a place&lt;/b&gt;: 0 means 10 pixels of the raster.&lt;br&gt;&lt;b&gt;Existing labels&lt;/b&gt;: places that are already labelled are left out, including unsaved edits.&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the search, so a small area is quick even in a large scene.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Places to label&lt;/b&gt;: squares with their rank (1 is the least certain), the uncertainty (0 to 1), and the two most probable classes with their probabilities. Places keep a distance from each other, and if possible no more than half of them are about the same two classes.&lt;/p&gt;&lt;p&gt;Go through them by rank, look at the imagery, and draw polygons of what you see in your label layer. Then train again from the current model, and find the next places.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Busca los lugares en los que una etiqueta enseña más a un modelo: aquellos cuyas dos clases más probables son casi iguales. Unos pocos lugares así mejoran un modelo más que muchos que ya conoce.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Ráster&lt;/b&gt; y &lt;b&gt;modelo&lt;/b&gt;: lo que cartografía, y el modelo que desea mejorar.&lt;br&gt;&lt;b&gt;Bandas&lt;/b&gt;: déjelo vacío para asignarlas por nombre o longitud de onda.&lt;br&gt;&lt;b&gt;Número de lugares&lt;/b&gt;: cuántos está dispuesto a examinar.&lt;br&gt;&lt;b&gt;Lado de un lugar&lt;/b&gt;: 0 toma 10 píxeles del ráster.&lt;br&gt;&lt;b&gt;Etiquetas existentes&lt;/b&gt;: los lugares que ya las tienen se omiten, también con ediciones sin guardar.&lt;br&gt;&lt;b&gt;Extensión&lt;/b&gt; y &lt;b&gt;máscara&lt;/b&gt; limitan la búsqueda, de modo que un área pequeña es rápida incluso en una escena grande.&lt;/p&gt;&lt;h3&gt;Salida&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Lugares que etiquetar&lt;/b&gt;: cuadrados con su rango (1 es el menos seguro), la incertidumbre (0 es seguro, 1 es indeciso) y las dos clases entre las que duda el modelo, con sus probabilidades. Los lugares guardan distancia entre sí, y no más de la mitad de ellos trata de las mismas dos clases si hay otras.&lt;/p&gt;&lt;p&gt;Recórralos por rango, mire cada uno en las imágenes y dibuje en su capa de etiquetas polígonos de lo que ve. Después entrene de nuevo a partir del modelo actual, y busque los próximos lugares.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Number of places</source>
        <translation>Número de lugares</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Size of a place (0 = 10 pixels)</source>
        <translation>Lado de un lugar (0 = 10 píxeles)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Existing labels (left out)</source>
        <translation>Etiquetas existentes (se omiten)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places to label</source>
        <translation>Lugares que etiquetar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places</source>
        <translation>Lugares</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation>La capa &#x27;{}&#x27; no contiene objetos que usar. Dibuje algunos, compruebe su filtro, o desmarque &#x27;Objetos seleccionados solamente&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
        <translation>Los objetos de &#x27;{name}&#x27; no se pudieron copiar a {path}: {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>Virtual rasters (*.vrt)</source>
        <translation>Rásteres virtuales (*.vrt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>&#x27;{}&#x27; must be a virtual raster: give a name that ends in .vrt.</source>
        <translation>&#x27;{}&#x27; debe ser un ráster virtual: indique un nombre que termine en .vrt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>{name} ({word})</source>
        <translation>{name} ({word})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>auto</source>
        <translation>automático</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>cpu</source>
        <translation>procesador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>segmentation</source>
        <translation>segmentación</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>scenes</source>
        <translation>escenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change</source>
        <translation>cambios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change-detection</source>
        <translation>detección de cambios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>backbone</source>
        <translation>modelo base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the backbone is not changed</source>
        <translation>la base queda como está</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>a small part of the model is trained</source>
        <translation>aprende una pequeña parte de la base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the whole model is trained</source>
        <translation>aprende toda la base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>anywhere</source>
        <translation>en cualquier lugar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>here</source>
        <translation>solo aquí</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>simple</source>
        <translation>simple</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>stratified</source>
        <translation>estratificado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>proportional</source>
        <translation>proporcional</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>equal</source>
        <translation>igual</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>interpolate</source>
        <translation>interpolar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>drop</source>
        <translation>descartar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>La carpeta de sus modelos, {folder}, no se puede crear: {reason}. Elija otra carpeta para el motor con Ráster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>This tool needs the engine&#x27;s training libraries, which are not installed. Install them with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Esta herramienta necesita las bibliotecas de entrenamiento del motor, que no están instaladas. Instálelas con Ráster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>SpectralGPT needs its engine, which is not installed yet. Install it with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>SpectralGPT necesita su motor, que todavía no está instalado. Instálelo con Ráster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The engine of SpectralGPT does not work: {reason} Open Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>El motor de SpectralGPT no funciona: {reason} Abra Ráster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Left: with &#x27;{}&#x27;. Right: the map without it.
Drag the line, or move it with the arrow keys. Press Esc to exit.</source>
        <translation>Izquierda: con &#x27;{}&#x27;. Derecha: el mapa sin ella.
Arrastre la línea, o muévala con las teclas de flecha. Esc termina.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Compare with the map below</source>
        <translation>Comparar con el mapa de debajo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>Muestra la capa solo a la izquierda de una línea, que se arrastra sobre el mapa (Esc termina)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Band</source>
        <translation>Banda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Name</source>
        <translation>Nombre</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Recognised as</source>
        <translation>Reconocida como</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Wavelength</source>
        <translation>Longitud de onda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>For</source>
        <translation>Para</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Verdict</source>
        <translation>Veredicto</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Reason</source>
        <translation>Por qué</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Use…</source>
        <translation>Usar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Opens the tool with this layer and this model</source>
        <translation>Abre la herramienta con esta capa y este modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe Layer for Models</source>
        <translation>Describir capa para modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Layer</source>
        <translation>Ca&amp;pa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Values</source>
        <translation>Valores</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>No data</source>
        <translation>Sin datos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Pixel size</source>
        <translation>Tamaño de píxel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>CRS</source>
        <translation>SRC</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Image date</source>
        <translation>Fecha de la imagen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Remarks</source>
        <translation>Observaciones</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Bands</source>
        <translation>&amp;Bandas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Models</source>
        <translation>&amp;Modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>There is no raster layer in this project. Add one to see which models fit it.</source>
        <translation>No hay ninguna capa ráster en este proyecto. Añada una para ver qué modelos son adecuados para ella.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe {}</source>
        <translation>Describir {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Reading the bands and values of &#x27;{}&#x27;…</source>
        <translation>Examinando las bandas y los valores de &#x27;{}&#x27;…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Stopped.</source>
        <translation>Detenido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>None declared: every pixel is used</source>
        <translation>Ninguno declarado: cuentan todos los píxeles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The data source of the layer &#x27;{}&#x27; cannot be found. Repair it first (right-click, Change Data Source).</source>
        <translation>No se encuentran los datos de la capa &#x27;{}&#x27;. Repare primero su fuente (clic derecho, Cambiar fuente de datos).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file but a web service or an internal QGIS layer, so its bands and values cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe that layer.</source>
        <translation>La capa &#x27;{}&#x27; no es un archivo sino un servicio, o existe solo dentro de QGIS: sus bandas y valores no se pueden describir. Guarde el área que necesita como GeoTIFF (clic derecho, Exportar, Guardar como) y describa esa capa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fine-tuning</source>
        <translation>Ajuste fino</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fits</source>
        <translation>Adecuado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Doubtful</source>
        <translation>Dudoso</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Does not fit</source>
        <translation>No adecuado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Missing: {}</source>
        <translation>Faltan: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m</source>
        <translation>Píxeles de {pixel:.3g} m; aprendió con {learned:.3g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Works without {}</source>
        <translation>Funciona sin {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>All of its bands were found</source>
        <translation>Se encontraron todas sus bandas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: band {band}, by {how}</source>
        <translation>{model}: banda {band}, por {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: none, {how}</source>
        <translation>{model}: ninguna, {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Coastal aerosol</source>
        <translation>Aerosoles costeros</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Blue</source>
        <translation>Azul</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Green</source>
        <translation>Verde</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red</source>
        <translation>Rojo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 1</source>
        <translation>Borde rojo 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 2</source>
        <translation>Borde rojo 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 3</source>
        <translation>Borde rojo 3</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared</source>
        <translation>Infrarrojo cercano</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared, narrow</source>
        <translation>Infrarrojo cercano, estrecho</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Water vapour</source>
        <translation>Vapor de agua</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Cirrus</source>
        <translation>Cirros</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 1</source>
        <translation>Infrarrojo de onda corta 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 2</source>
        <translation>Infrarrojo de onda corta 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>By its wavelength</source>
        <translation>Por su longitud de onda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not recognised</source>
        <translation>No reconocida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{} nm</source>
        <translation>{} nm</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width:.4g} × {height:.4g} m on the ground</source>
        <translation>{width:.4g} × {height:.4g} m en el terreno</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width} × {height} {unit}</source>
        <translation>{width} × {height} {unit}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not known</source>
        <translation>Desconocido</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>SpectralGPT Diagnostics Report</source>
        <translation>Informe de diagnóstico de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Attach this text to a question or an error report. Your home folder, your user name, the name of this computer and any passwords were removed, but please check the text before you send it.</source>
        <translation>Añada este texto a una pregunta o a un informe de error. Se eliminan su carpeta personal, su nombre, el nombre de este equipo y las contraseñas; revíselo de todos modos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Collecting information…</source>
        <translation>Recopilando…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Copy</source>
        <translation>&amp;Copiar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Save…</source>
        <translation>&amp;Guardar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Save Report</source>
        <translation>Guardar informe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Text files (*.txt)</source>
        <translation>Archivos de texto (*.txt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>The report cannot be saved to {file}: {reason}. Choose another location.</source>
        <translation>El informe no se puede guardar como {file}: {reason}. Elija otro lugar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT Engine</source>
        <translation>Motor de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation>El motor está dañado y debe repararse.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Repair…</source>
        <translation>Reparar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The installation of the engine was not completed.</source>
        <translation>La instalación del motor no llegó a su fin.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation>Instalar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The tools need the SpectralGPT engine, which is not installed yet.</source>
        <translation>Las herramientas necesitan un motor, que todavía no está instalado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Not now</source>
        <translation>Ahora no</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is ready.</source>
        <translation>El motor está listo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimates the number of windows, the time, and the memory and disk space needed. Nothing is written.</source>
        <translation>Indica cuántas ventanas se calcularán, cuánto tardará y cuánta memoria y disco hacen falta. No se escribe nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>First set &#x27;{}&#x27;: it is missing or not valid.</source>
        <translation>Indique primero «{}»: falta o es incorrecto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Stop estimating</source>
        <translation>Detener la estimación</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimate</source>
        <translation>Estimar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {memory} of memory, {disk} of disk space.</source>
        <translation>Ventanas: {windows}; {memory} de memoria, {disk} en el disco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.</source>
        <translation>Ventanas: {windows}; {time}, {memory} de memoria, {disk} en el disco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {seconds} s</source>
        <translation>aprox. {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {minutes} min</source>
        <translation>aprox. {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {hours} h {minutes} min</source>
        <translation>aprox. {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Help</source>
        <translation>Ayuda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Opens the guide page for this window (F1)</source>
        <translation>Abre la guía en la página sobre esta ventana (F1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Classify land cover…</source>
        <translation>Clasificar cobertura del suelo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation>Etiquetar escenas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change with…</source>
        <translation>Detectar cambios con…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Fine-tune…</source>
        <translation>Ajuste fino…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Describe for models…</source>
        <translation>Describir para modelos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>The dates of these layers are not known. &#x27;{before}&#x27; was assumed to be the earlier one, because it is above the other in the layer tree. Swap the layers here if this is wrong.</source>
        <translation>No se conocen las fechas de estas capas: &#x27;{before}&#x27; se tomó como la anterior, por ser la de arriba en el árbol de capas. Intercámbielas aquí si es al revés.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/log_window.py"/>
        <source>Log of {}</source>
        <translation>Registro de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model, or path of a model file</source>
        <translation>Modelo instalado o ruta de un archivo de modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation>Elegir un archivo de modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start from random weights: {}</source>
        <translation>Empezar de cero: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Models to train from ({})</source>
        <translation>Modelos para entrenar ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models ({})</source>
        <translation>Modelos de SpectralGPT ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>{verdict}: {reason}</source>
        <translation>{verdict}: {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Bands, in this order: {}</source>
        <translation>Bandas, en este orden: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Pixel size in training: {:g} m</source>
        <translation>Tamaño de píxel con el que aprendió: {:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Classes: {}</source>
        <translation>Clases: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Licence: {}</source>
        <translation>Licencia: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Move the model &#x27;{}&#x27; to the trash?</source>
        <translation>¿Mover el modelo &#x27;{}&#x27; a la papelera?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; was deleted.</source>
        <translation>Se eliminó &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&amp;Undo</source>
        <translation>De&amp;shacer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be restored: {}</source>
        <translation>El modelo no se pudo recuperar: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; cannot be moved to the trash. Delete it permanently?</source>
        <translation>&#x27;{}&#x27; no se puede mover a la papelera. ¿Eliminarlo definitivamente?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be deleted: {}</source>
        <translation>No se pudo eliminar el modelo: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Delete Model</source>
        <translation>Eliminar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Bands, in the order of the model</source>
        <translation>Bandas, en el orden del modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Accuracy on data held out of training</source>
        <translation>Exactitud en datos reservados del entrenamiento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>The card has no figures: judge its map with Evaluate map.</source>
        <translation>La ficha no tiene cifras: juzgue su mapa con Evaluar mapa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Data and recipe</source>
        <translation>Datos y receta</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{use}; can be trained further</source>
        <translation>{use}; se puede seguir entrenando</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{name} ({size})</source>
        <translation>{name} ({size})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Name to use in parameters</source>
        <translation>Nombre en los parámetros</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Ground resolution</source>
        <translation>Resolución en el terreno</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{:g} m</source>
        <translation>{:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Window</source>
        <translation>Ventana</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{0} × {0} pixels</source>
        <translation>{0} × {0} píxeles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Origin</source>
        <translation>Origen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Files</source>
        <translation>Archivos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Folder</source>
        <translation>Carpeta</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Licence</source>
        <translation>Licencia</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Not stated</source>
        <translation>No indicada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Attribution</source>
        <translation>Atribución</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Included in the plugin</source>
        <translation>Incluido con el complemento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>from {}</source>
        <translation>de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>on {}</source>
        <translation>con {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>band {} of the layer</source>
        <translation>banda {} de la capa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>left out</source>
        <translation>omitida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Shared</source>
        <translation>Compartido</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Included</source>
        <translation>Incluido</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Imported</source>
        <translation>Importado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Trained here</source>
        <translation>Entrenado aquí</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Own</source>
        <translation>Propio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>IoU (intersection over union) is the overlap of map and reference: the area where both show a class, divided by the area where at least one of them does. 1 is best.</source>
        <translation>IoU (intersección sobre unión) es el solapamiento del mapa y la realidad: de todo el terreno que es de una clase o está cartografiado como tal, la parte en la que ambos coinciden. 1 es lo mejor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>95 % interval</source>
        <translation>Intervalo del 95 %</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean overlap (IoU)</source>
        <translation>Solapamiento medio (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean F1</source>
        <translation>F1 medio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean average precision</source>
        <translation>Precisión media promedio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Precision</source>
        <translation>Precisión</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Recall</source>
        <translation>Exhaust.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Samples</source>
        <translation>Muestras</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Interpolation</source>
        <translation>Interpolación</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean</source>
        <translation>Media</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Base</source>
        <translation>Modelo de partida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labels</source>
        <translation>Etiquetas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Field</source>
        <translation>Campo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labelled</source>
        <translation>Etiquetados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Area</source>
        <translation>Área</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seed</source>
        <translation>Semilla</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Scenes</source>
        <translation>Escenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Epochs</source>
        <translation>Épocas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Stages</source>
        <translation>Etapas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Loss</source>
        <translation>Pérdida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Last loss</source>
        <translation>Última pérdida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Processes</source>
        <translation>Procesos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Images</source>
        <translation>Imágenes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Megapixels</source>
        <translation>Megapíxeles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Data</source>
        <translation>Datos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seconds</source>
        <translation>Segundos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Windows</source>
        <translation>Ventanas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Batch</source>
        <translation>Tamaño de lote</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Steps</source>
        <translation>Pasos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Learning rate</source>
        <translation>Tasa de aprendizaje</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Hidden</source>
        <translation>Oculto</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Left out</source>
        <translation>Omitido</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Search models</source>
        <translation>Buscar modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>All models</source>
        <translation>Todos los modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>For training</source>
        <translation>Para entrenar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Any layer</source>
        <translation>Cualquier capa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>F&amp;or</source>
        <translation>Pa&amp;ra</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>La&amp;yer</source>
        <translation>Ca&amp;pa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Rename Model</source>
        <translation>Cambiar nombre del modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Used in parameters, scripts and file names</source>
        <translation>Lo que usan los parámetros y los scripts, y cómo se llaman los archivos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Title</source>
        <translation>&amp;Título</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>File &amp;name</source>
        <translation>&amp;Nombre del archivo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download Model</source>
        <translation>Descargar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>From another address</source>
        <translation>De otra dirección</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Not known: the file cannot be compared with the published one</source>
        <translation>Desconocido: el archivo no se compara con el publicado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Model</source>
        <translation>&amp;Modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Address</source>
        <translation>&amp;Dirección</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;SHA-256</source>
        <translation>&amp;SHA-256</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download</source>
        <translation>Descargar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>known only after the download starts</source>
        <translation>desconocido antes de la descarga</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>{about}&lt;br&gt;Size: {size}&lt;br&gt;Licence: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</source>
        <translation>{about}&lt;br&gt;Tamaño: {size}&lt;br&gt;Licencia: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Folders of Shared Models</source>
        <translation>Carpetas de modelos compartidos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Models in these folders, for instance on a network drive, are also listed; nothing is written there. If several models have the same name, your own comes first, then the shared one, then the included one.</source>
        <translation>También se listan los modelos de estas carpetas, por ejemplo en una unidad de red; en ellas no se escribe nada. Un modelo propio tiene preferencia sobre uno compartido del mismo nombre, y este sobre uno incluido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Add…</source>
        <translation>&amp;Añadir…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Remove</source>
        <translation>&amp;Eliminar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Choose a folder with models</source>
        <translation>Elegir una carpeta de modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Layer</source>
        <translation>Capa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Size</source>
        <translation>Tamaño</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Importing &#x27;{}&#x27;…</source>
        <translation>Importando &#x27;{}&#x27;…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Models…</source>
        <translation>Modelos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>Compare models</source>
        <translation>Comparar modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>List models</source>
        <translation>Listar modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>SpectralGPT Models</source>
        <translation>Modelos de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Import…</source>
        <translation>&amp;Importar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import a model file or a checkpoint</source>
        <translation>Incorporar un archivo de modelo o un checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Download…</source>
        <translation>&amp;Descargar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Download published weights</source>
        <translation>Obtener pesos publicados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Export…</source>
        <translation>&amp;Exportar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Save the model for use elsewhere</source>
        <translation>Escribir el modelo para usarlo en otro lugar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Rename…</source>
        <translation>Cambiar &amp;nombre…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Change the title or name</source>
        <translation>Otro título o nombre</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>De&amp;lete…</source>
        <translation>E&amp;liminar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Move the model to the trash</source>
        <translation>Mover el modelo a la papelera</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Shared folders…</source>
        <translation>Carpetas comp&amp;artidas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Folders that are used by several people</source>
        <translation>Carpetas que usan varias personas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Looking for installed models…</source>
        <translation>Buscando modelos instalados…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>No model matches. Change the search text, or choose all models.</source>
        <translation>Ningún modelo coincide. Cambie el texto, o elija todos los modelos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file, so its bands cannot be compared with the models. Save it as a GeoTIFF first.</source>
        <translation>La capa &#x27;{}&#x27; no es un archivo, así que sus bandas no se pueden comparar con los modelos. Guárdela primero como GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import Model</source>
        <translation>Importar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Models and checkpoints ({})</source>
        <translation>Modelos y checkpoints ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Cancelled.</source>
        <translation>Cancelado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Import {}</source>
        <translation>Importar {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model &#x27;{}&#x27; was imported.</source>
        <translation>Se importó el modelo &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Rename {}</source>
        <translation>Cambiar nombre de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model is now called &#x27;{}&#x27;.</source>
        <translation>El modelo se llama ahora &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Download {}</source>
        <translation>Descargar {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>{there} of {whole}</source>
        <translation>{there} de {whole}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Another model is being processed. Wait until it is done, or cancel it.</source>
        <translation>Se está trabajando en otro modelo. Espere a que termine, o cancélelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>&#x27;{}&#x27; is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint (.pth).</source>
        <translation>&#x27;{}&#x27; no es un archivo de modelo: se esperaba .onnx o .safetensors de este complemento, o un checkpoint de SpectralGPT (.pth).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work_row.py"/>
        <source>&amp;Cancel</source>
        <translation>&amp;Cancelar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Default settings of the tools</source>
        <translation>Valores predeterminados de las herramientas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Automatic: the GPU if it works, otherwise the processor</source>
        <translation>Automático: la GPU donde funcione y, si no, el procesador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor</source>
        <translation>Procesador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>GPU only</source>
        <translation>GPU, o detenerse</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>All ({})</source>
        <translation>Todos ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source> MB</source>
        <translation> MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>No limit</source>
        <translation>Sin límite</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>A job that needs more memory ends with a message instead of slowing down the computer. This applies to the computer&#x27;s memory, not to that of a GPU.</source>
        <translation>Un trabajo que necesite más termina con un mensaje, en lugar de ralentizar el equipo. Se refiere a la memoria del equipo, no a la de una GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>This limit is not available on macOS.</source>
        <translation>macOS no tiene forma de mantener un límite así.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Pr&amp;ocessing device</source>
        <translation>Calcul&amp;ar en</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor t&amp;hreads</source>
        <translation>&amp;Hilos del procesador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Memory &amp;limit</source>
        <translation>&amp;Límite de memoria</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Checking the engine…</source>
        <translation>Examinando el motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installation</source>
        <translation>Instalación</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Install</source>
        <translation>&amp;Instalar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Verify</source>
        <translation>&amp;Verificar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Repair</source>
        <translation>&amp;Reparar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remov&amp;e…</source>
        <translation>Elimi&amp;nar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Stop</source>
        <translation>Detener</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Tests the engine&#x27;s libraries, the processor and the GPU with a real computation.</source>
        <translation>Prueba las bibliotecas del motor, el procesador y la GPU con un cálculo real.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installs the engine again; the old one is kept until the new one works.</source>
        <translation>Crea el motor de nuevo; el antiguo se mantiene hasta que el nuevo funcione.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Removes the engine. Your own models are kept.</source>
        <translation>Elimina el motor. Sus propios modelos se conservan.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>The engine in use was not changed.</source>
        <translation>El motor en uso quedó como estaba.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log and diagnostics</source>
        <translation>Registro y diagnóstico</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log</source>
        <translation>Registro</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Messages of the engine appear here.</source>
        <translation>Aquí aparece lo que dice el motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Diagnostics report…</source>
        <translation>Informe de &amp;diagnóstico…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Versions, settings and the last messages, without personal data, to send with a question.</source>
        <translation>Versiones, configuración y los últimos mensajes, sin datos personales, para enviar a otros.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Update</source>
        <translation>Ac&amp;tualizar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the Engine</source>
        <translation>Eliminar el motor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again.</source>
        <translation>¿Eliminar el motor de SpectralGPT? Sus propios modelos se conservan; se puede volver a instalar.</translation>
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
        <translation>El motor está instalado y listo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine works. An update is available.</source>
        <translation>El motor funciona, y hay una actualización pendiente.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is not installed yet.</source>
        <translation>El motor todavía no está instalado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine computes the maps in a separate process. It is downloaded once into your own folder and does not change QGIS.</source>
        <translation>El motor calcula los mapas, en un proceso propio. Se descarga una sola vez, en una carpeta del usuario; no se cambia nada de QGIS.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps and training</source>
        <translation>mapas y entrenamiento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps</source>
        <translation>mapas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation>procesador y GPU NVIDIA</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor</source>
        <translation>procesador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>For {what}, on {device}.</source>
        <translation>Para {what}, en: {device}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{size} in {place}</source>
        <translation>{size} en {place}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Folder: {}</source>
        <translation>Carpeta: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Nothing is downloaded: the packages come from the folder of wheels.</source>
        <translation>De la carpeta de wheels; no se descarga nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The download size is not known for this system.</source>
        <translation>No se sabe cuánto se descarga para este sistema.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Download size: {}.</source>
        <translation>Descarga {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {}.</source>
        <translation>Necesita {} en el disco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder.</source>
        <translation>Necesita {needed} en el disco, donde solo hay {free} libres: libere espacio, o elija otra carpeta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed} ({free} available).</source>
        <translation>Necesita {needed} en el disco, donde hay {free} libres.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Not tested on this computer yet. Verify tests the processor and the GPU.</source>
        <translation>Aún no se ha probado en este equipo. Verificar prueba el procesador y la GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Tested {}:</source>
        <translation>Probado {}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>works</source>
        <translation>funciona</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>not available</source>
        <translation>no disponible</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{milliseconds:g} ms for {side} x {side} pixels</source>
        <translation>{milliseconds:g} ms para {side} x {side} píxeles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Graphics cards: {}</source>
        <translation>Tarjetas gráficas: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU for training</source>
        <translation>GPU para entrenamiento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine passed its test.</source>
        <translation>El motor superó su prueba.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Python {python} on {platform}</source>
        <translation>Python {python} en {platform}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Libraries: {}</source>
        <translation>Bibliotecas: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation>Instalar el motor de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation>Reparar el motor de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation>Eliminar el motor de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Cancelling…</source>
        <translation>Cancelando…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Done.</source>
        <translation>Hecho.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Failed: {}</source>
        <translation>Falló: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>&amp;Maps with existing models</source>
        <translation>&amp;Mapas con modelos existentes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Maps, import of checkpoints and &amp;training of your own models</source>
        <translation>Mapas, importación de checkpoints y &amp;entrenamiento de modelos propios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Support for an NVIDIA &amp;GPU</source>
        <translation>Soporte para una &amp;GPU NVIDIA</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Package sizes for this system, as of {}</source>
        <translation>Tamaños de los paquetes de este sistema, registrados el {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Network and folders</source>
        <translation>Red y carpetas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation>como en QGIS: ninguno (http://usuario:contraseña@servidor:puerto)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Taken from the environment variable {}.</source>
        <translation>La variable de entorno {} indica dónde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Package index</source>
        <translation>Índice de paquetes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation>Certificados (archivo de CA)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation>Sin conexión: carpeta de wheels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Folder for the engine</source>
        <translation>Carpeta para el motor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/parameter_widget.py"/>
        <source>{} [optional]</source>
        <translation>{} [opcional]</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/product_menu.py"/>
        <source>Open its whole product…</source>
        <translation>Abrir su producto completo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Open report</source>
        <translation>Abrir informe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Show log</source>
        <translation>Mostrar registro</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The model &#x27;{}&#x27; is ready.</source>
        <translation>El modelo &#x27;{}&#x27; está listo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Added to the project: {}</source>
        <translation>Añadido al proyecto: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The report is ready: {}</source>
        <translation>El informe está listo: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/swipe_line.py"/>
        <source>Line between the two maps</source>
        <translation>Línea entre los dos mapas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>Held-back scenes: mean average precision {:.2f} (1 is best).</source>
        <translation>Escenas que se reservaron: precisión media promedio (mAP) {:.2f} (1 es lo mejor).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>The accuracy of the model is not known, because no labels could be held back.</source>
        <translation>No se sabe lo bueno que es el modelo: no se pudieron reservar etiquetas con las que juzgarlo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label.</source>
        <translation>De las escenas que se reservaron, {share} recibieron la etiqueta correcta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly.</source>
        <translation>De los píxeles etiquetados que se reservaron, {share} están bien cartografiados.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>They lie in one place, so no confidence interval can be given.</source>
        <translation>Están en un solo lugar, por lo que no se puede decir lo seguro que es esto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>De las escenas que se reservaron, {share} recibieron la etiqueta correcta: de {low} a {high} con un 95 % de confianza, juzgado en {places} lugares.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>De los píxeles etiquetados que se reservaron, {share} están bien cartografiados: de {low} a {high} con un 95 % de confianza, juzgado en {places} lugares.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>The bands of &#x27;{}&#x27; will be matched when training starts.</source>
        <translation>Las bandas de &#x27;{}&#x27; se asignan cuando empieza el entrenamiento.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>Bands found: {}.</source>
        <translation>Bandas encontradas: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Class</source>
        <translation>Clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Prec.</source>
        <translation>Prec.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Precision (user&#x27;s accuracy): the share of the pixels mapped as this class that really belong to it.</source>
        <translation>Precisión: de lo cartografiado como la clase, la parte que lo es (exactitud del usuario).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Recall (producer&#x27;s accuracy): the share of the pixels of this class that were mapped as this class.</source>
        <translation>Exhaustividad (recall): de lo que es la clase, la parte cartografiada como tal (exactitud del productor).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>F1</source>
        <translation>F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>The harmonic mean of precision and recall.</source>
        <translation>Precisión y exhaustividad en una sola cifra: su media armónica.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap</source>
        <translation>Solap.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does.</source>
        <translation>Solapamiento (intersección sobre unión, IoU): de todo lo que es de ella o está cartografiado como ella, la parte en la que ambos coinciden.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (IoU)</source>
        <translation>Solapamiento (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does. 100 % is best.</source>
        <translation>Solapamiento (intersección sobre unión, IoU): de todo el terreno que es de esta clase o está cartografiado como tal, la parte en la que ambos coinciden. 100 % es lo mejor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Not known: no label of this class is held back.</source>
        <translation>Desconocido: no hay ninguna etiqueta reservada de esta clase.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove class &#x27;{}&#x27;</source>
        <translation>Eliminar clase &#x27;{}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join class &#x27;{gone}&#x27; with &#x27;{kept}&#x27;</source>
        <translation>Unir la clase &#x27;{gone}&#x27; con &#x27;{kept}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>There is a class &#x27;{}&#x27; already.</source>
        <translation>Ya hay una clase &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join &#x27;{}&#x27; with it</source>
        <translation>Unir &#x27;{}&#x27; con ella</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>The layer &#x27;{}&#x27; cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use that.</source>
        <translation>La capa &#x27;{}&#x27; no se puede editar. Guárdela como GeoPackage (clic derecho, Exportar, Guardar objetos como) y úselo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Draw</source>
        <translation>Dibujar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop drawing.</source>
        <translation>Lo que dibuje recibe la clase elegida. El clic derecho termina un polígono; pulse de nuevo el botón para dejar de dibujar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Add class</source>
        <translation>Añadir clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove</source>
        <translation>Eliminar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Removes the chosen class and its labels. Use Undo to restore them.</source>
        <translation>Elimina la clase elegida y sus etiquetas; Deshacer las recupera.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>No pixel of the raster has this value.</source>
        <translation>Ninguna celda del ráster tiene este valor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} de al menos {wanted} puntos. Coloque de {wanted} a diez en lugares distintos: algunos se reservan para juzgar el modelo en terreno del que no aprendió.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} de al menos {wanted} polígonos. Dibuje de {wanted} a diez en lugares distintos: algunos se reservan para juzgar el modelo en terreno del que no aprendió.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Polygons</source>
        <translation>Polígonos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Value</source>
        <translation>Valor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Pixels</source>
        <translation>Píxeles</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Labelled area in pixels of the first raster, including unsaved edits.</source>
        <translation>Área etiquetada en píxeles del primer ráster; las ediciones sin guardar cuentan.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Double-click to choose another colour.</source>
        <translation>Haga doble clic para elegir otro color.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{} (double-click to rename)</source>
        <translation>{} (doble clic para cambiar el nombre)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Draw polygons of &#x27;{}&#x27;</source>
        <translation>Dibujar polígonos de &#x27;{}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Colour of the class</source>
        <translation>Color de la clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped correctly ({share})</source>
        <translation>{reference}: {count} bien cartografiados ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped as {mapped} ({share})</source>
        <translation>{reference}: {count} cartografiados como {mapped} ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Reference ↓</source>
        <translation>Referencia ↓</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Mapped as →</source>
        <translation>Cartografiado como →</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Sum</source>
        <translation>Suma</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/curve_chart.py"/>
        <source>best</source>
        <translation>mejor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Fine-tune a model</source>
        <translation>Ajuste fino de un modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The engine&#x27;s training libraries are missing.</source>
        <translation>Faltan las bibliotecas de entrenamiento del motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Training… You can continue drawing in the meantime.</source>
        <translation>Entrenando… Mientras tanto puede seguir dibujando.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin.</source>
        <translation>Las herramientas de SpectralGPT no están en la caja de herramientas. Cargue el complemento de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>1 Imagery and labels</source>
        <translation>1 Imágenes y etiquetas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>2 Train</source>
        <translation>2 Entrenar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>3 Result</source>
        <translation>3 Resultado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Available after training.</source>
        <translation>Aparece cuando se ha entrenado un modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/engine_missing.py"/>
        <source>En&amp;gine…</source>
        <translation>&amp;Motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, based on an earlier training on this computer ({earlier}).</source>
        <translation>Tiempo previsto: aprox. {time}, según un entrenamiento anterior en este equipo ({earlier}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, measured on another computer. After your first training, the time of this computer is shown.</source>
        <translation>Tiempo previsto: aprox. {time}. Se midió en otro equipo; tras el primer entrenamiento se calcula según este.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: not known before the first training of this kind on this computer.</source>
        <translation>Tiempo previsto: desconocido antes del primer entrenamiento de este tipo en este equipo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} s</source>
        <translation>{} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} min</source>
        <translation>{} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{hours} h {minutes} min</source>
        <translation>{hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>&amp;Train</source>
        <translation>&amp;Entrenar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>Ready to train.</source>
        <translation>Listo para entrenar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Map of classes</source>
        <translation>Mapa de clases</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One class for every pixel.</source>
        <translation>Una clase para cada píxel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One label for each polygon or grid cell.</source>
        <translation>Una etiqueta para un polígono o una celda de cuadrícula enteros.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Change</source>
        <translation>Cambio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Where two dates differ.</source>
        <translation>Dónde difieren dos fechas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Tas&amp;k</source>
        <translation>&amp;Tarea</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster that you want to label.</source>
        <translation>Elija el ráster con el terreno que desea etiquetar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster of the second date.</source>
        <translation>Elija el ráster de la segunda fecha.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Both dates are the same raster. Choose a different one for the second date.</source>
        <translation>Ambas fechas son el mismo ráster. Elija otro para la segunda fecha.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Checking the bands…</source>
        <translation>Examinando las bandas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Unchanged</source>
        <translation>Sin cambio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Changed</source>
        <translation>Cambiado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 1</source>
        <translation>Clase 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 2</source>
        <translation>Clase 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class {}</source>
        <translation>Clase {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_counter.py"/>
        <source>Counting the labels of {}</source>
        <translation>Contando las etiquetas de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The file {} already exists and was not changed. Choose another name.</source>
        <translation>El archivo {} ya existe y se deja como está. Indique otro nombre.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The label layer could not be created in {path}: {reason} Choose a folder in which you can write.</source>
        <translation>La capa de etiquetas no se pudo crear en {path}: {reason} Elija una carpeta en la que pueda escribir.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Create a label layer, or choose one.</source>
        <translation>Cree una capa de etiquetas, o elija una.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose the field with the class.</source>
        <translation>Elija el campo con la clase.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Counting the labels…</source>
        <translation>Contando las etiquetas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&#x27;{name}&#x27; has {found} different values, so it is an image and not a class raster. Choose another layer.</source>
        <translation>«{name}» tiene {found} valores distintos: es una imagen y no un ráster de clases. Elija otra capa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>{found} different values were found, but a model can have at most {most} classes. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>Se encontraron {found} valores distintos y un modelo puede tener como máximo {most} clases. Elija el campo de la clase, no uno que numere los objetos, o junte clases.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>All labels lie outside the rasters. Draw some on them.</source>
        <translation>Todas las etiquetas están fuera de los rásteres. Dibuje algunas sobre ellos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes: there are no labels of &#x27;{}&#x27; yet.</source>
        <translation>Etiquete al menos dos clases: todavía no hay nada etiquetado como &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes. Add a second class.</source>
        <translation>Etiquete al menos dos clases. Añada una segunda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Few labels: {}. The model can be trained, but its accuracy can hardly be measured.</source>
        <translation>Pocas etiquetas: {}. El modelo se puede entrenar, pero apenas juzgar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a raster first: the label layer uses its coordinate system.</source>
        <translation>Elija primero un ráster: la capa de etiquetas toma su sistema de coordenadas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Labels {}</source>
        <translation>Etiquetas {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Save label layer</source>
        <translation>¿Dónde se guardarán las etiquetas?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they have no class: {}.</source>
        <translation>Sin clase, y por tanto omitidos: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they lie outside the rasters: {}.</source>
        <translation>Fuera de los rásteres, y por tanto omitidos: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a layer</source>
        <translation>Elegir una capa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;New…</source>
        <translation>&amp;Nueva…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Creates an empty polygon layer next to the project, with a field for the class, and starts drawing in it.</source>
        <translation>Crea junto al proyecto una capa de polígonos vacía, con un campo para la clase, y empieza a dibujar en ella.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;Field</source>
        <translation>Camp&amp;o</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Draw three to ten small polygons of every class, in different places, each on an area that clearly belongs to this class. Areas that you do not label are ignored.</source>
        <translation>Dibuje de tres a diez polígonos pequeños de cada clase, en lugares distintos, cada uno sobre terreno que sea con seguridad de esa clase. Lo que no etiquete se ignora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>&amp;Find places to label next</source>
        <translation>&amp;Buscar los próximos lugares que etiquetar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the current map view</source>
        <translation>En la vista del mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the whole layer</source>
        <translation>En toda la capa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Where to look for places</source>
        <translation>Dónde buscar lugares</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Only for models that assign a class to every pixel.</source>
        <translation>Para modelos que dan una clase a cada píxel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places to label next</source>
        <translation>Próximos lugares que etiquetar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>The places cannot be opened: {}</source>
        <translation>Los lugares no se pueden abrir: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places found in {seconds:.1f} s: {count}.</source>
        <translation>Lugares encontrados en {seconds:.1f} s: {count}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Looking for models to start from…</source>
        <translation>Buscando modelos de partida…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Choose the model to start from, under Advanced.</source>
        <translation>Elija el modelo de partida, en Avanzado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Any imagery</source>
        <translation>Cualquier imagen</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Robust to other dates, light and haze.</source>
        <translation>Resiste otras fechas, otra luz y la bruma.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>These rasters</source>
        <translation>Estos rásteres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Slightly better here, but may fail elsewhere.</source>
        <translation>Algo mejor aquí, y puede fallar en otro lugar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>To be &amp;used on</source>
        <translation>Para &amp;usar en</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Name of the model</source>
        <translation>&amp;Nombre del modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Advanced</source>
        <translation>Avanzado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Base model</source>
        <translation>Mode&amp;lo base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Dev&amp;ice</source>
        <translation>Dispositi&amp;vo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Labels held bac&amp;k</source>
        <translation>Reservado para &amp;juzgar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>B&amp;and numbers</source>
        <translation>Números de ban&amp;da</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Automatic</source>
        <translation>Automático</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Decided by the number of labels and the computer.</source>
        <translation>Decide según sus etiquetas y su equipo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Backbone unchanged (quick)</source>
        <translation>La base queda como está (quick)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Trains only a last layer: takes seconds and suits few labels.</source>
        <translation>Solo aprende un último paso: tarda segundos y conviene con pocas etiquetas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Part of the model (adapters)</source>
        <translation>Aprende una pequeña parte (adapters)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes a small part of the model&#x27;s weights: takes minutes.</source>
        <translation>Cambia pocos pesos de la base: tarda minutos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole model (full)</source>
        <translation>Aprende toda la base (full)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes all weights: needs many labels and a GPU.</source>
        <translation>Cambia todos los pesos: necesita muchas etiquetas y una GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>How many times the training passes through the labels.</source>
        <translation>Cuántas veces se recorren las etiquetas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The GPU if it works, otherwise the processor.</source>
        <translation>Una GPU donde funcione y, si no, el procesador.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not seen. With 0, it is not measured.</source>
        <translation>Grupos enteros de etiquetas vecinas, de modo que el modelo se juzga en otro lugar; con 0 no se juzga.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>La misma semilla vuelve a dar el mismo resultado. Pruebe otras para ver cuánto varía.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>matched automatically</source>
        <translation>asignadas automáticamente</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>One raster band for each band of the base model, in its order, such as 2,3,4,8.</source>
        <translation>Una banda del ráster para cada banda del modelo base, en su orden, como 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Previo&amp;us</source>
        <translation>Anter&amp;ior</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Ne&amp;xt</source>
        <translation>&amp;Siguiente</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Places, least certain first: {}</source>
        <translation>Lugares, primero el menos seguro: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Place {number} of {count}:</source>
        <translation>Lugar {number} de {count}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>{first} or {second}?</source>
        <translation>¿{first} o {second}?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>Decidido automáticamente: &#x27;{base}&#x27; queda como está y solo un último paso aprende sus cambios (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Starts from &#x27;{base}&#x27;. How much of it is trained depends on your labels and your computer.</source>
        <translation>Parte de &#x27;{base}&#x27;. Cuánto de él aprende lo deciden sus etiquetas y su equipo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick). This suits fewer than {many} labels; there are {labels}.</source>
        <translation>Decidido automáticamente: &#x27;{base}&#x27; queda como está y solo un último paso aprende sus clases (quick). Conviene con menos de {many} etiquetas; hay {labels}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: with {labels} labels, &#x27;{base}&#x27; is trained as well: all of it with a working GPU (full), otherwise a small part (adapters), or none of it if it is large (quick).</source>
        <translation>Decidido automáticamente: con {labels} etiquetas &#x27;{base}&#x27; también aprende, todo él con una GPU que funcione (full), si no una pequeña parte (adapters), o nada si es grande (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>&#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>&#x27;{base}&#x27; queda como está y solo un último paso aprende sus etiquetas (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>A small part of &#x27;{base}&#x27; is trained as well (adapters).</source>
        <translation>Una pequeña parte de &#x27;{base}&#x27; también aprende (adapters).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>All of &#x27;{base}&#x27; is trained (full), which needs many labels and a GPU.</source>
        <translation>Todo &#x27;{base}&#x27; también aprende (full): necesita muchas etiquetas y una GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The map view does not show any raster that the model was trained on. Zoom to one of them.</source>
        <translation>El mapa no muestra ningún ráster del que haya aprendido el modelo. Acérquese a uno de ellos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The rasters that the model was trained on are no longer in the project.</source>
        <translation>Los rásteres de los que aprendió el modelo ya no están.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview: {}</source>
        <translation>Vista previa: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>The preview cannot be opened: {}</source>
        <translation>La vista previa no se puede abrir: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas.</source>
        <translation>Vista previa del centro del mapa en {seconds:.1f} s. Acérquese para ver otra parte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the map view in {seconds:.1f} s.</source>
        <translation>Vista previa de lo que muestra el mapa en {seconds:.1f} s.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_describer.py"/>
        <source>Checking the bands of {}</source>
        <translation>Examinando las bandas de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Raster of the second date</source>
        <translation>Ráster de la segunda fecha</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Remove this raster</source>
        <translation>Quitar este ráster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>to</source>
        <translation>hasta</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add raster</source>
        <translation>&amp;Añadir ráster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Trains on several rasters at once, for instance of other places or dates. They share the labels.</source>
        <translation>Aprende de varios rásteres a la vez: otros lugares, otras fechas. Comparten las etiquetas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add pair of rasters</source>
        <translation>&amp;Añadir par de rásteres</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Choose a raster</source>
        <translation>Elegir un ráster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the report in the web browser.</source>
        <translation>Abre el informe en el navegador.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Prev&amp;iew</source>
        <translation>Vista &amp;previa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Maps the current map view, as a temporary layer above the imagery.</source>
        <translation>Cartografía lo que muestra la vista del mapa, como capa temporal sobre las imágenes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Comp&amp;are</source>
        <translation>&amp;Comparar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>Muestra la vista previa solo a la izquierda de una línea, que se arrastra sobre el mapa (Esc termina)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Appl&amp;y to the whole layer…</source>
        <translation>&amp;Aplicar a toda la capa…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the tool with the model and the raster already chosen.</source>
        <translation>Abre la herramienta con el modelo y el ráster ya rellenados.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Map</source>
        <translation>Mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Retrai&amp;n from this model</source>
        <translation>&amp;Reentrenar a partir de este modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Returns to the labels, with this model as the one to start from.</source>
        <translation>Vuelve a las etiquetas, con este modelo como modelo de partida.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Improve it</source>
        <translation>Mejorarlo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Percent of each row</source>
        <translation>Porcentaje de cada fila</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>The accuracy of the model is shown here after training.</source>
        <translation>Cuando se haya entrenado un modelo, aquí se indica lo bueno que es.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Mapping the current view…</source>
        <translation>Cartografiando lo que muestra el mapa…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final model was trained on all labels.</source>
        <translation>Etiquetas que se reservaron: {samples}. Cada lugar se reservó una vez, ante un modelo que no lo vio; el modelo mismo aprendió de todas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly too optimistic.</source>
        <translation>Etiquetas que se reservaron: {samples}. La mejor ronda se eligió con las mismas etiquetas, por lo que lo favorecen un poco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Training loss</source>
        <translation>Pérdida de entrenamiento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Epoch</source>
        <translation>Ronda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Parts assessed</source>
        <translation>Partes juzgadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>The curves appear after the first results on held-back labels.</source>
        <translation>Las curvas aparecen en cuanto se hayan juzgado etiquetas reservadas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>There are no curves, because no labels were held back.</source>
        <translation>No hay nada que dibujar: no se reservó ninguna etiqueta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Cancel</source>
        <translation>Cancelar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Starting the engine…</source>
        <translation>Iniciando el motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping at once…</source>
        <translation>Deteniendo de inmediato…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping and saving the best model so far…</source>
        <translation>Deteniendo, y escribiendo el mejor modelo hasta ahora…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping…</source>
        <translation>Deteniendo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Warning: {}</source>
        <translation>Advertencia: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopped. There was no model yet, so nothing was saved.</source>
        <translation>Detenido. Todavía no había ningún modelo, así que no se conservó nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stop now</source>
        <translation>Detener ahora</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, after epoch {done} of at most {rounds}:</source>
        <translation>Con etiquetas reservadas, tras la ronda {done} de {rounds} como máximo:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, before the first epoch:</source>
        <translation>Con etiquetas reservadas, antes de la primera ronda:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, {done} of {parts} parts:</source>
        <translation>Con etiquetas reservadas, {done} de {parts} partes:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>No results on held-back labels yet.</source>
        <translation>Todavía no se ha juzgado ninguna etiqueta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>&#x27;Stop now&#x27; stops immediately and keeps nothing.</source>
        <translation>&#x27;Detener ahora&#x27; no espera, y no conserva nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>There is no model yet: if you cancel, nothing is saved.</source>
        <translation>Todavía no hay ningún modelo: Cancelar no deja nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model is kept as it is now.</source>
        <translation>Cancelar conserva el modelo tal como está.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model from before the first epoch is kept, the best so far.</source>
        <translation>Cancelar conserva el modelo anterior a la primera ronda, el mejor hasta ahora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model of epoch {best} is kept, the best so far.</source>
        <translation>Cancelar conserva el modelo de la ronda {best}, el mejor hasta ahora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of epoch {best}, the best so far, was kept.</source>
        <translation>Detenido antes de terminar. Se conservó el modelo de la ronda {best}, el mejor hasta ahora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model from before the first epoch was kept.</source>
        <translation>Detenido antes de terminar. Se conservó el modelo anterior a la primera ronda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of the last epoch was kept.</source>
        <translation>Detenido antes de terminar. Se conservó el modelo de la última ronda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}. The model of epoch {best}, the best one, was kept.</source>
        <translation>Hecho en {time}. Se conservó el modelo de la ronda {best}, el mejor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}.</source>
        <translation>Hecho en {time}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>SpectralGPT speaks English</source>
        <translation>SpectralGPT habla español</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {seconds} s left</source>
        <translation>quedan aprox. {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {minutes} min left</source>
        <translation>quedan aprox. {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {hours} h {minutes} min left</source>
        <translation>quedan aprox. {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation>La capa &#x27;{}&#x27; no tiene sistema de referencia de coordenadas. Defínalo con clic derecho, SRC de la capa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no text or whole-number field that could hold a class. Add one, and give every feature its class.</source>
        <translation>La capa &#x27;{}&#x27; no tiene ningún campo de texto o de números enteros que pueda contener una clase. Añada uno y dé a cada objeto su clase.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>None of the labels has a class: fill in the field &#x27;{}&#x27;.</source>
        <translation>Ninguna etiqueta tiene clase: rellene el campo &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; is an image rendered by a web service, so its colours are not classes. Choose the original class raster, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>La capa &#x27;{}&#x27; es una imagen que dibuja un servicio web: sus colores no son clases. Elija el ráster de clases mismo, como GeoTIFF o de un servicio de coberturas (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Open satellite product…</source>
        <translation>Abrir producto satelital…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Land-cover map…</source>
        <translation>Mapa de cobertura del suelo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Detect change…</source>
        <translation>Detectar cambios…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Describe layer for models…</source>
        <translation>Describir capa para modelos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Engine…</source>
        <translation>Motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/provider.py"/>
        <source>SpectralGPT {} (models for multispectral rasters)</source>
        <translation>SpectralGPT {} (modelos para rásteres multiespectrales)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/quick_look_layer.py"/>
        <source>Quick look: {}</source>
        <translation>Vista rápida: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer properties. It is still treated as no-data here.</source>
        <translation>El valor sin datos de &#x27;{name}&#x27;, banda {band}, está desactivado en las propiedades de la capa; aquí se respeta de todos modos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is ignored: only single values are supported.</source>
        <translation>El rango adicional de valores sin datos de {low} a {high} de &#x27;{name}&#x27; se omite: solo se admiten valores individuales.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool} ({time})</source>
        <translation>{tool} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool}: {subject} ({time})</source>
        <translation>{tool}: {subject} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation>Sin clase</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Not yet labelled</source>
        <translation>Por juzgar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation>El estilo de {} no se guardó: el archivo no se puede abrir.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>There is no algorithm &#x27;{}&#x27;. Enable the plugin that provides it.</source>
        <translation>No existe el algoritmo &#x27;{}&#x27;. Active el complemento que lo proporciona.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>The inputs could not be read. See the log for details.</source>
        <translation>Las entradas no se pudieron leer. El registro da más detalles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/diagnostics_task.py"/>
        <source>SpectralGPT diagnostics report</source>
        <translation>Informe de diagnóstico de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{}&#x27; is not an address for downloads: it must begin with https:// or http://.</source>
        <translation>&#x27;{}&#x27; no es una dirección de la que se pueda descargar: debe empezar por https:// o http://.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{path}&#x27; cannot be written: {reason}. Free some space, or choose another folder.</source>
        <translation>&#x27;{path}&#x27; no se puede escribir: {reason}. Libere espacio, o elija otra carpeta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download could not start: {} Check the address, the network, and the proxy in Settings &gt; Options &gt; Network.</source>
        <translation>La descarga no comenzó: {} Compruebe la dirección, la red y el proxy en Configuración &gt; Opciones &gt; Red.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download was interrupted: {} The downloaded part is kept; download again to continue.</source>
        <translation>La descarga se interrumpió: {} Se conserva lo que llegó; descargue de nuevo para continuar desde ahí.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the file has changed on the server.</source>
        <translation>el archivo ha cambiado en el servidor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>{came} of {whole} bytes were received.</source>
        <translation>llegaron {came} de {whole} bytes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the server sent no data.</source>
        <translation>el servidor no envió nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>There is no file at {} (404). Check the address.</source>
        <translation>No hay ningún archivo en {} (404). Compruebe la dirección.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server does not allow public access to {url} ({status}). Download it with your browser and import the file.</source>
        <translation>El servidor no entrega {url} a cualquiera ({status}). Descárguelo con su navegador e importe el archivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The proxy requires a user name and a password (407). Set them in QGIS: Settings &gt; Options &gt; Network.</source>
        <translation>El proxy pide un nombre y una contraseña (407). Defínalos en QGIS: Configuración &gt; Opciones &gt; Red.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server returned the status {status} for {url}. Try again later.</source>
        <translation>El servidor respondió {status} para {url}. Inténtelo más tarde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file has {came} bytes instead of {size}. It was deleted; try again later.</source>
        <translation>El archivo descargado tiene {came} bytes, se esperaban {size}. Se eliminó; inténtelo más tarde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It was deleted; do not use copies of it from other sources.</source>
        <translation>El archivo descargado no es el publicado: su SHA-256 es {found}, se esperaba {expected}. Se eliminó; no lo use tampoco desde otro lugar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_state.py"/>
        <source>Check the SpectralGPT engine</source>
        <translation>Examinar el motor de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Verify the SpectralGPT engine</source>
        <translation>Verificar el motor de SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Testing {}</source>
        <translation>Probando {}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>polygons</source>
        <translation>polígonos</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} polygons</source>
        <translation>{pixels} píxeles de {units} polígonos</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>points</source>
        <translation>puntos</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels</source>
        <translation>{pixels} píxeles</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>class raster</source>
        <translation>ráster de clases</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} connected regions</source>
        <translation>{pixels} píxeles de {units} regiones conexas</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{raster}, mapped with {model}</source>
        <translation>{raster}, cartografiado con {model}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name</source>
        <translation>Clases asignadas por nombre</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by value</source>
        <translation>Clases asignadas por valor</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name and value</source>
        <translation>Clases asignadas por nombre y valor</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>References</source>
        <translation>Referencias</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Design</source>
        <translation>Diseño de muestreo</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>stratified random sample</source>
        <translation>muestra aleatoria estratificada</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference samples</source>
        <translation>Muestras de referencia</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Summary</source>
        <translation>Resumen</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>How it was made</source>
        <translation>Cómo se hizo</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy) is the share of the pixels mapped as a class that really belong to it. Recall (producer&#x27;s accuracy) is the share of the pixels of a class that were mapped as this class. Means are over the classes that occur in the references or in the map.</source>
        <translation>Precisión (exactitud del usuario): de lo cartografiado como una clase, la proporción que lo es. Exhaustividad (exactitud del productor): de lo que es una clase, la proporción cartografiada como tal. Las medias se calculan sobre las clases que aparecen en las referencias o en el mapa.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Accuracy of a class map</source>
        <translation>Exactitud de un mapa de clases</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy, area-adjusted</source>
        <translation>Exactitud global, ponderada por área</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy of the sample</source>
        <translation>Exactitud global de la muestra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Kappa of the sample</source>
        <translation>Kappa de la muestra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean overlap (IoU) of the sample</source>
        <translation>Solapamiento medio (IoU) de la muestra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean F1 of the sample</source>
        <translation>F1 medio de la muestra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>User&#x27;s accuracy</source>
        <translation>Exactitud del usuario</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Producer&#x27;s accuracy</source>
        <translation>Exactitud del productor</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped, ha</source>
        <translation>Cartografiado, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated, ha</source>
        <translation>Estimado, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{level} interval, ha</source>
        <translation>Intervalo del {level}, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Area-adjusted accuracy and areas</source>
        <translation>Exactitud ponderada por área y áreas</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number of points. The estimated areas are corrected for the errors of the map: report these areas together with their intervals.</source>
        <translation>Estimaciones para todo el mapa a partir de la muestra estratificada (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57): cada clase cuenta por su área, no por sus puntos. Las áreas estimadas están corregidas por los errores del mapa; informe de estas, con sus intervalos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Intervals: {level}</source>
        <translation>Intervalos: {level}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated shares of the total area</source>
        <translation>Proporciones de área estimadas</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference</source>
        <translation>Referencia</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped</source>
        <translation>Cartografiado</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy)</source>
        <translation>Precisión (exactitud del usuario)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Recall (producer&#x27;s accuracy)</source>
        <translation>Exhaustividad (exactitud del productor)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>F1 of each class</source>
        <translation>F1 de cada clase</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{value} ({level} interval {interval})</source>
        <translation>{value} (intervalo del {level}: {interval})</translation>
    </message>
    <message>
        <location filename="../engine/report/command.py"/>
        <source>*** stands for a login or an access key, which reports leave out: put yours in its place.</source>
        <translation>*** sustituye a un inicio de sesión o una clave de acceso, que los informes omiten: ponga los suyos en su lugar.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>true ↓ mapped →</source>
        <translation>real ↓ cartografiado →</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>sum</source>
        <translation>suma</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>No values.</source>
        <translation>Sin valores.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>Made by SpectralGPT for QGIS {version}</source>
        <translation>Hecho con SpectralGPT para QGIS {version}</translation>
    </message>
    <message>
        <location filename="../engine/train/examples.py"/>
        <source>{raster}, row {row}, column {column}: imagery, labels, map</source>
        <translation>{raster}, fila {row}, columna {column}: imagen, etiquetas, mapa</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Second date</source>
        <translation>Segunda fecha</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Labelled places</source>
        <translation>Lugares etiquetados</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Bands</source>
        <translation>Bandas</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{pixels} px of {size} m</source>
        <translation>{pixels} px de {size} m</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{file}, field {field}</source>
        <translation>{file}, campo {field}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Result</source>
        <translation>Resultado</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Accuracy on unseen areas</source>
        <translation>Terreno que no ha visto</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Reconstructed imagery</source>
        <translation>Lo que pinta</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}.</source>
        <translation>Entrada enmascarada ({share} oculto), reconstrucción, error (negro: ninguno) en {raster}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Settings</source>
        <translation>Configuración</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>To repeat this run:</source>
        <translation>Para volver a hacer lo mismo:</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Backbone pretrained on {rasters} rasters without labels</source>
        <translation>Modelo base preentrenado con {rasters} rásteres sin etiquetas</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>learned</source>
        <translation>aprendido</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>random weights</source>
        <translation>pesos aleatorios</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Weights</source>
        <translation>Pesos</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Duration</source>
        <translation>Duración</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{seconds} s, processes: {processes}</source>
        <translation>{seconds} s, procesos: {processes}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>training</source>
        <translation>entrenamiento</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>epoch</source>
        <translation>época</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>loss</source>
        <translation>pérdida</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>this network</source>
        <translation>esta red</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>interpolation</source>
        <translation>interpolación</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>band mean</source>
        <translation>media de la banda</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error on held-back areas</source>
        <translation>Error en lo reservado</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error</source>
        <translation>error cuadrático medio</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The imagery was too small to hold back any of it.</source>
        <translation>Las imágenes eran demasiado pequeñas para reservar una parte.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{measure}. {windows} windows of {pixels} px.</source>
        <translation>{measure}. {windows} ventanas de {pixels} px.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error</source>
        <translation>Error</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Stage</source>
        <translation>Etapa</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Batches</source>
        <translation>Lotes</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>all</source>
        <translation>todas</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The first {shown} of {all}.</source>
        <translation>Los primeros {shown} de {all}.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Scenes with labels</source>
        <translation>Escenas con etiqueta</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Data and settings</source>
        <translation>Datos y configuración</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Run again</source>
        <translation>Ejecutarlo de nuevo</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>With the engine&#x27;s Python, in the plugin folder:</source>
        <translation>Con el Python del motor, en la carpeta del complemento:</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Segmentation, {classes} classes</source>
        <translation>Segmentación, {classes} clases</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Scene classification, {classes} classes</source>
        <translation>Clasificación de escenas, {classes} clases</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Change detection, {classes} classes</source>
        <translation>Detección de cambios, {classes} clases</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>quick: a head on an unchanged backbone</source>
        <translation>rápido: un cabezal sobre el modelo base congelado</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>adapters: a small part of the backbone is trained</source>
        <translation>adaptadores: se aprenden también unos pocos pesos del modelo base</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>full: all weights are trained</source>
        <translation>completo: se aprenden todos los pesos</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>not known: no labels could be held back</source>
        <translation>desconocida: no se pudo reservar ninguna etiqueta</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Assessed on</source>
        <translation>Juzgado con</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back scenes</source>
        <translation>Escenas reservadas</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back pixels</source>
        <translation>Píxeles reservados</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>On held-back labels</source>
        <translation>Con las etiquetas reservadas</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labelled pixels</source>
        <translation>Píxeles etiquetados</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Colour</source>
        <translation>Color</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labels of each class</source>
        <translation>Etiquetas de cada clase</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Examples</source>
        <translation>Ejemplos</translation>
    </message>
    <message>
        <location filename="../engine/assess/allocation.py"/>
        <source>A sample of {1} points cannot cover {2} classes. Use at least {3} points, preferably {4}.</source>
        <translation>Una muestra de {1} puntos no puede abarcar {2} clases. Pida al menos {3} puntos, mejor {4}.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has decimal numbers ({2}), but a class map has whole numbers that stand for classes. Choose a class map, such as one made with &#x27;Land-cover map&#x27;, or convert it if its numbers are classes (Raster &gt; Conversion &gt; Translate, output type Byte).</source>
        <translation>El mapa {1} tiene números decimales ({2}), se esperaban números enteros que representen clases. Elija un mapa de clases, como el que crea &#x27;Mapa de cobertura del suelo&#x27;, o conviértalo (Ráster &gt; Conversión &gt; Traducir, tipo de salida Byte) si sus números son clases.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>{1} is an image (bands: {2}, {3}), but a class map has a single band of whole numbers that stand for classes. Choose the map that &#x27;Land-cover map&#x27; made from the image. To evaluate a model, give &#x27;Evaluate map&#x27; both the image and the model.</source>
        <translation>{1} es una imagen (bandas: {2}, {3}), se esperaba un mapa de clases: una banda de números enteros que representen clases. Elija el mapa que &#x27;Mapa de cobertura del suelo&#x27; crea a partir de la imagen. Para evaluar un modelo, dé a &#x27;Evaluar mapa&#x27; la imagen y el modelo.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Counting the map&#x27;s classes</source>
        <translation>Contando las clases del mapa</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has more than {2} different values, so it does not look like a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>El mapa {1} tiene más de {2} valores distintos, se esperaban clases. Elija un mapa de clases, como el que crea &#x27;Mapa de cobertura del suelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>. Choose a class map.</source>
        <translation>. Elija un mapa de clases.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Reading the map at the reference locations</source>
        <translation>Leyendo el mapa en las referencias</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} has several bands, as an image does. Its first band was evaluated as a class map. If it is an image, choose the map made from it, or also choose a model.</source>
        <translation>{1} tiene varias bandas, como una imagen; se ha evaluado la primera como mapa de clases. Si es una imagen, elija el mapa creado a partir de ella, o además un modelo.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>The map has no class at any of the {1} references {2}: it has no data there. Choose references within the mapped area, or another map.</source>
        <translation>El mapa no tiene clase bajo ninguna de las {1} referencias {2}: ahí no tiene datos. Elija referencias en la parte cartografiada, u otro mapa.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These classes of the references are not in the map: {1}. Their {2} reference samples count as errors. If the map has such a class under a different name, use the same name in both. If the true class is not known, leave the field empty.</source>
        <translation>El mapa no tiene ninguna clase para {1}: {2} muestras de referencia cuentan como errores. Si es una de las clases del mapa, dé el mismo nombre a ambas; donde no se conozca la verdad, déjela vacía.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These values of the references are not classes of the map and were treated as not labelled: {1}. Their {2} reference samples are left out.</source>
        <translation>El mapa no tiene ninguna clase para {1}: {2} muestras de referencia se tomaron por no etiquetadas y se omitieron.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} of {2} reference samples lie where the map has no data. They are left out.</source>
        <translation>{1} de {2} muestras de referencia están donde el mapa no tiene datos; se omiten.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Done</source>
        <translation>Hecho</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>The references {1} are {2}, but the design &#x27;stratified&#x27; needs points drawn at random from each class of the map. Draw them with &#x27;sample&#x27;, or choose the design &#x27;simple&#x27;.</source>
        <translation>Las referencias {1} son {2}, se esperaban puntos extraídos al azar de cada clase del mapa para el diseño &#x27;stratified&#x27;. Extráigalos con &#x27;Extraer muestra de un mapa&#x27; (sample), o elija el diseño &#x27;simple&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Neighbouring pixels are not independent, so the intervals are based on the {1} reference areas, not on the {2} pixels. For figures that apply to the whole map, draw a stratified random sample.</source>
        <translation>Los píxeles vecinos no son independientes: los intervalos se calculan sobre las {1} áreas de referencia, no sobre los {2} píxeles. Para obtener cifras válidas para todo el mapa, extraiga una muestra aleatoria estratificada.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>With only {1} reference areas, the intervals are wide and approximate.</source>
        <translation>{1} áreas de referencia son pocas: los intervalos son amplios y aproximados.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>{1} of {2} points lie on a different class of this map than the one they were drawn from, so the sample was drawn from another map. Its strata were used with their weights (Stehman 2014), assuming that both maps cover the same area.</source>
        <translation>{1} de {2} puntos están en otra clase de este mapa que aquella de la que se extrajeron: la muestra es de otro mapa. Se usaron sus estratos con sus pesos (Stehman 2014), suponiendo que ambos mapas cubren el mismo terreno.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>No points were labelled in {1} ({2} of the map). The area-adjusted figures apply only to the rest of the map. Label points in these classes.</source>
        <translation>No se etiquetó ningún punto en {1}, {2} del mapa: las cifras ajustadas por área valen para el resto. Etiquete puntos ahí.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>Only one point was labelled in {1}. Intervals that need its variance are missing.</source>
        <translation>Solo se etiquetó un punto en {1}: faltan los intervalos que necesitan su varianza.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>None of the classes of the references {1} is a class of the map. The references have {2}; the map has {3}. Choose the field whose values are the map&#x27;s classes, by name or by value, or rename the classes.</source>
        <translation>Ninguna clase de las referencias {1} es una clase del mapa. Las referencias tienen {2}; el mapa tiene {3}. Elija el campo cuyos valores son las clases del mapa, por nombre o por valor, o cambie los nombres de las clases.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>Classes were matched by value, although their names differ: {1}. If this is wrong, use the same names in both.</source>
        <translation>Las clases se emparejaron por valor, aunque sus nombres difieren: {1}. Si esto es incorrecto, deles los mismos nombres.</translation>
    </message>
    <message>
        <location filename="../engine/assess/references.py"/>
        <source>The references {1} have the fields &#x27;{2}&#x27; and &#x27;{3}&#x27; of a drawn sample, but some points lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove points that were not drawn, or fill in both fields.</source>
        <translation>Las referencias {1} tienen los campos &#x27;{2}&#x27; y &#x27;{3}&#x27; de una muestra sorteada, pero no todos los puntos tienen ambos: sus estratos no se pueden usar, y las cifras quizá no valgan para todo el mapa. Elimine los puntos que no fueron sorteados, o rellene ambos campos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points: {2}</source>
        <translation>{1} puntos: {2}</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Fill in the field &#x27;{1}&#x27; with the true class of each point, by name or value, starting with the first point. Then evaluate the map with these points.</source>
        <translation>Rellene el campo &#x27;{1}&#x27; con la clase verdadera de cada punto, por nombre o valor, desde el primero en adelante; después evalúe el mapa con ellos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has only {2} pixels, fewer than the {3} points required for each class. All of them are used.</source>
        <translation>La clase {1} tiene solo {2} píxeles, menos de los {3} puntos deseados para cada clase: se toman todos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has {2} point, so there will be no interval for its accuracy. Use more points, or a larger minimum.</source>
        <translation>La clase {1} recibe {2} punto: su exactitud no tendrá intervalo. Pida más puntos, o un mínimo mayor.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points are drawn instead of {2}, because each class needs its minimum number of points.</source>
        <translation>Se extraen {1} puntos en lugar de {2}: cada clase necesita su mínimo.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Drawing points</source>
        <translation>Extrayendo puntos</translation>
    </message>
    <message>
        <location filename="../engine/assess/stratified.py"/>
        <source>Every stratum with an area needs at least one point.</source>
        <translation>Cada estrato con área necesita un punto, y debe haber al menos uno.</translation>
    </message>
    <message>
        <location filename="../engine/assess/training_labels.py"/>
        <source>{1} of {2} references are labels that the model was trained on, so the accuracy is too high. Use references that were not used for training.</source>
        <translation>{1} de {2} referencias son etiquetas con las que se entrenó el modelo, así que la exactitud es demasiado alta. Use referencias que no se hayan usado en el entrenamiento.</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names are only band numbers</source>
        <translation>los nombres solo numeran las bandas</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the SR_ names do not indicate which Landsat satellite it is</source>
        <translation>los nombres SR_ no dicen qué Landsat es</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names could be those of Sentinel-2 or Landsat</source>
        <translation>los nombres podrían ser de Sentinel-2 o de Landsat</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>{1}. The model needs {2}, but these were not found: {3}. </source>
        <translation>{1}. El modelo necesita {2}; no se encontraron: {3}. </translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has only one band, {1}</source>
        <translation>El ráster tiene una sola banda, {1}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands with neither names nor wavelengths</source>
        <translation>Las {1} bandas del ráster no tienen ni nombres ni longitudes de onda</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands: {2}</source>
        <translation>Las {1} bandas del ráster son {2}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, Landsat, HLS), &#x27;Open satellite product&#x27; makes one raster of all its bands. Otherwise stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>Se necesitan al menos {1} bandas en un ráster. Si este archivo es de un producto satelital (Sentinel-2, Landsat, HLS), &#x27;Abrir producto satelital&#x27; reúne todas sus bandas en un ráster. Si no, apile los archivos de bandas con Ráster &gt; Miscelánea &gt; Construir ráster virtual, cada archivo como una banda separada.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed. Use a raster with all of them, or another model.</source>
        <translation>Se necesitan al menos {1} bandas: use un ráster que las tenga todas, u otro modelo.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>Give the bands descriptions such as B02, or specify the raster&#x27;s band numbers in BANDS, in the order of the model.</source>
        <translation>Dé a las bandas descripciones como B02, o escriba en BANDS los números de banda del ráster en el orden del modelo.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source> If the order is {1} ({2}), set BANDS to {3}.</source>
        <translation> Si el orden es {1} ({2}), BANDS es {3}.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains band {1}, but the raster&#x27;s bands are {2}. Band numbers start at 1, and an alpha band cannot be used.</source>
        <translation>BANDS menciona la banda {1}, pero las bandas del ráster son {2}. Los números de banda cuentan desde 1, y no se puede usar una banda alfa.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not in BANDS</source>
        <translation>no está en BANDS</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains raster band {1} twice, for {2} and for {3}. Each band of the model needs a different raster band.</source>
        <translation>BANDS indica dos veces la banda {1} del ráster, para {2} y para {3}. Cada banda del modelo necesita su propia banda del ráster.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>position {1} in BANDS</source>
        <translation>BANDS, lugar {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS has {1} numbers, but the model needs {2} ({3}){4}. Specify one raster band number for each, in this order.</source>
        <translation>BANDS tiene {1} números, pero el modelo necesita {2} ({3}){4}. Indique un número de banda del ráster para cada una, en este orden.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>used in place of {1}</source>
        <translation>sustituye a {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not found</source>
        <translation>no encontrada</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>name {1}</source>
        <translation>nombre {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>Several raster bands ({1}) match the model&#x27;s {2}: {3}. Specify with BANDS which one to use.</source>
        <translation>Las bandas {1} del ráster podrían ser todas {2} del modelo: {3}. Indique con BANDS cuál usar.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>wavelength {1} nm</source>
        <translation>longitud de onda {1} nm</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>left out: no {1}</source>
        <translation>omitida: falta {1}</translation>
    </message>
    <message>
        <location filename="../engine/card_editing.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model, or it is damaged. Copy the file again.</source>
        <translation>&#x27;{1}&#x27; no es un modelo de SpectralGPT, o está dañado. Copie el archivo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card cannot be read: it was not written by this version of SpectralGPT. Import the model again, or update the plugin.</source>
        <translation>La ficha del modelo no se puede leer: no la escribió esta versión de SpectralGPT. Importe el modelo de nuevo, o actualice el complemento.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card specifies the task &#x27;{1}&#x27;, but only these are supported: {2}. Update the plugin.</source>
        <translation>La ficha del modelo indica la tarea &#x27;{1}&#x27;, se esperaba una de {2}. Actualice el complemento.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The card of the model &#x27;{1}&#x27; is invalid: {2}. Copy the file again, or create or import the model again.</source>
        <translation>La ficha del modelo &#x27;{1}&#x27; no puede ser correcta: {2}. Copie el archivo de nuevo, o cree o importe el modelo otra vez.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its names or descriptions is not text</source>
        <translation>uno de sus nombres o descripciones no es texto</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its threshold, architecture, training or accuracy is not a table</source>
        <translation>su umbral, arquitectura, entrenamiento o exactitud no es una tabla</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its classes have the values {1}, but different values from 0 to {2} are expected</source>
        <translation>sus clases tienen los valores {1}; se esperan valores distintos de 0 a {2}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its classes has the no-data value {1}</source>
        <translation>una de sus clases tiene el valor sin datos, {1}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>a class has the colour &#x27;{1}&#x27;, but a colour such as #1f78b4 is expected</source>
        <translation>una clase tiene el color &#x27;{1}&#x27;; se espera uno como #1f78b4</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>it has no bands, or one whose wavelength is not a number</source>
        <translation>no tiene bandas, o alguna cuya longitud de onda no es un número</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its window size, its number of bands in a group or its number of pixels is not positive</source>
        <translation>el lado de su ventana, sus bandas por grupo o sus píxeles no son mayores que 0</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>&#x27;{1}&#x27; has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. Choose the model it was exported from.</source>
        <translation>&#x27;{1}&#x27; no contiene pesos con los que entrenar: se esperaba un modelo .safetensors. Un modelo .onnx solo puede predecir; elija el modelo del que se exportó.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; cannot be read. Copy the file again.</source>
        <translation>Los pesos de &#x27;{1}&#x27; no se pueden leer. Copie el archivo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; do not match the network described in its card: {2} weights are missing, unexpected or of a different shape ({3}). Train or import the model again.</source>
        <translation>Los pesos de &#x27;{1}&#x27; no se ajustan a la red que describe su ficha: {2} faltan, sobran o tienen otra forma ({3}). Entrene o importe el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/data/atlas.py"/>
        <source>The images have no valid pixels to train on. Check their no-data values.</source>
        <translation>Las imágenes no tienen ningún píxel válido con el que entrenar. Compruebe sus valores sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must each be labelled in two places that are more than {1} pixels apart and not connected by other labels. Label a second place for {2}{3}.</source>
        <translation>No se reservó ninguna etiqueta, así que el modelo no se puede juzgar: para juzgar al menos dos clases, cada una necesita etiquetas en dos lugares separados por más de {1} píxeles y no unidos por etiquetas intermedias. Dibuje un segundo lugar para {2}{3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The accuracy of these classes cannot be assessed: {1}. All labels of each of them lie in one place (closer than {2} pixels to each other) or only next to labels that are needed for training. Label a second place for each class, further away.</source>
        <translation>{1}: no se puede juzgar. Todas las etiquetas de una clase así están en un solo lugar, a menos de {2} píxeles unas de otras, o solo junto a etiquetas necesarias para aprender. Dibuje un segundo lugar para cada una, más alejado.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie in {1} separate places (more than {2} pixels apart), but at least {3} are needed, one for each part. Label more places, or use fewer parts.</source>
        <translation>Las etiquetas están en {1} lugares separados por más de {2} píxeles, se esperaban al menos {3}, uno para cada parte. Dibuje etiquetas en más lugares, o pida menos partes.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie too close together to hold back whole places more than {1} pixels apart. They were divided into squares of {2} pixels instead, and {3} labelled pixels between the training and the validation squares are not used.</source>
        <translation>Las etiquetas están demasiado juntas para reservarlas por lugares separados por más de {1} píxeles: se cortaron en cuadrados de {2} píxeles, y no se usan {3} píxeles etiquetados situados entre los de aprender y los de juzgar.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. Draw it again, or leave it empty to process the whole raster.</source>
        <translation>La extensión {1} no tiene área: debe cumplir xmin &lt; xmax e ymin &lt; ymax. Dibújela de nuevo, o déjela vacía para procesar todo el ráster.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} cannot be transformed to the raster&#x27;s CRS ({2}). Specify it in the raster&#x27;s CRS.</source>
        <translation>La extensión {1} no se puede transformar al SRC del ráster ({2}). Indíquela en el SRC del ráster.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} does not intersect the raster, whose bounds are {2} in {3}. Choose an extent within the raster, or check the CRS of the extent.</source>
        <translation>La extensión {1} no toca el ráster, cuyos límites son {2} en {3}. Elija una extensión sobre el ráster, o compruebe el SRC de la extensión.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>The folder {1} contains no raster with one of the file extensions {2}. Choose another folder, or add the rasters one by one.</source>
        <translation>La carpeta {1} no contiene ningún ráster que termine en {2}. Elija otra carpeta, o indique los rásteres uno a uno.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>No imagery was specified. Choose the rasters or folders to learn from.</source>
        <translation>No se indicaron imágenes. Elija rásteres o carpetas de los que aprender.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Checking raster {1} of {2}</source>
        <translation>Examinando el ráster {1} de {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Skipped: {1}. {2}</source>
        <translation>Omitido: {1}. {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>None of the {1} rasters is suitable for the model. {2} Choose rasters that have the model&#x27;s bands.</source>
        <translation>Ninguno de los {1} rásteres sirve para el modelo. {2} Elija rásteres con las bandas del modelo.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has only one class ({2}), but at least {3} are needed. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>{1}: solo una clase ({2}), se esperaban al menos {3}. Etiquete también lo que no es de esta clase, por ejemplo como &#x27;otros&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has {2} classes ({3}), but at most {4} are possible. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>{1}: {2} clases ({3}), se esperaban como máximo {4}. Elija el campo de la clase, no uno que numere los objetos, o agrupe clases.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The classes {1} differ only in upper and lower case. They are treated as different classes.</source>
        <translation>Las clases {1} solo difieren en las mayúsculas; se toman como distintas.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class &#x27;{1}&#x27; has the colour &#x27;{2}&#x27;, but a colour must be specified as #rrggbb, for instance #1f78b4.</source>
        <translation>A la clase &#x27;{1}&#x27; se le dio el color &#x27;{2}&#x27;, se esperaba rojo, verde y azul como #rrggbb, por ejemplo #1f78b4.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class names and colours were specified as {1}, but a JSON list such as [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}] is expected. Correct it, or leave it empty.</source>
        <translation>El aspecto de las clases se indicó como {1}, se esperaba una lista JSON como [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}]. Corríjalo, o déjelo vacío.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains lists, but one class is expected for each feature. Choose a field with text or whole numbers, or allow several labels per scene.</source>
        <translation>{1} contiene listas, se esperaba una clase para cada objeto. Elija un campo de texto o de números enteros, o permita varias etiquetas por escena.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers. As all of them are whole, they are used as classes.</source>
        <translation>{1} contiene números decimales; como todos son enteros, son clases.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains {2}, but classes must be text or whole numbers. Choose another field: {3}.</source>
        <translation>{1} contiene {2}, se esperaban clases como texto o números enteros. Elija otro de sus campos: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} is empty in all {2} features, but it must contain the class of each feature. Fill it in, or choose another field.</source>
        <translation>{1} está vacío en todos sus {2} objetos, se esperaba la clase de cada uno. Rellénelo, o elija otro campo.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>The {1} {2} {3}: {4}. </source>
        <translation>{1} {2} {3}: {4}. </translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Choose one of them.</source>
        <translation>Elija uno de ellos.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Add a field of text or whole numbers, and fill it in.</source>
        <translation>Añada uno de texto o de números enteros, y rellénelo.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers such as {2}, but classes must be text or whole numbers. Choose another field, or convert the numbers to classes with the field calculator.</source>
        <translation>{1} contiene números decimales como {2}, se esperaban clases como texto o números enteros. Elija otro campo, o convierta los números en clases con la calculadora de campos.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} assign several labels to the same place, but each pixel can have only one. Choose a field with one class, or train on scenes.</source>
        <translation>{1} {2}: se dan varias etiquetas a un mismo lugar, se esperaba una para cada píxel. Elija un campo con una sola clase, o entrene con escenas.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} do not cover any valid pixel of the raster: they only touch its edge, or the raster has no data there. Draw labels on the raster.</source>
        <translation>{1} {2}: no queda ningún píxel etiquetado en el ráster; solo tocan su borde, o ahí no hay datos. Dibuje etiquetas sobre el ráster.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} cover {3} pixels. A random {4} of them were used, including all pixels of small classes.</source>
        <translation>{1} {2}: {3} píxeles etiquetados; {4} de ellos se extrajeron al azar, y de las clases pequeñas todos.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} are a class raster, but scenes need polygons or points with a class field. Choose a vector layer, or train a segmentation model.</source>
        <translation>{1} {2}: es un ráster de clases, se esperaban escenas, es decir, polígonos o puntos con un campo de clase. Elija una capa vectorial, o entrene segmentación.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}, but a scene can have only one class. Correct the features with these IDs, or tick &#x27;A scene may have several labels&#x27; and give one feature all of its labels, separated by semicolons.</source>
        <translation>{1} de {2} escenas de {3} {4} están dibujadas dos veces con clases distintas, como {5}; se esperaba una clase para cada escena. Corrija estos objetos (identificadores de objeto), o marque &#x27;Una escena puede tener varias etiquetas&#x27; y dé a un solo objeto todas sus etiquetas, separadas por punto y coma.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}. None of them is used for training. Correct the features with these IDs.</source>
        <translation>{1} de {2} escenas de {3} {4} están dibujadas dos veces con clases distintas, como {5}; no se aprende de ninguna de ellas. Corrija estos objetos (identificadores de objeto).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}, but each pixel can have only one class. Correct the features with these IDs, or remove the overlap with the tool &#x27;Difference&#x27;.</source>
        <translation>{1}; se esperaba una clase para cada píxel. Corrija estos objetos (identificadores de objeto), o recorte uno del otro con Diferencia.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}. These pixels are ignored.</source>
        <translation>{1}; estos píxeles se ignoran.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} contains decimal numbers such as {2}, but the values of a class raster must be whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in QGIS).</source>
        <translation>{1} contiene números decimales como {2}, se esperaba un ráster cuyos valores sean clases. Elija otro ráster, o convierta los números en clases (Reclasificar por tabla en QGIS).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has more than {2} different values, so it does not look like a class raster. Choose the class raster, not the image.</source>
        <translation>{1} tiene más de {2} valores distintos, se esperaba un ráster cuyos valores sean clases. Elija el ráster de clases, no la imagen.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no labelled pixels: all of them are no-data ({2}). Choose another raster, or correct its no-data value.</source>
        <translation>{1} no tiene ningún píxel etiquetado: todos son sin datos ({2}). Elija otro ráster, o corrija su valor sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has {2} bands. The first one is used as the class band.</source>
        <translation>{1} tiene {2} bandas; la primera contiene las clases.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no no-data value, so the value {2} was treated as a class with {3} pixels. If it means &#x27;not labelled&#x27;, set it as the no-data value of the file (gdal_edit.py -a_nodata {4}).</source>
        <translation>{1}: no declara ningún valor sin datos, por lo que su {2} se tomó como una clase, de {3} píxeles. Si representa lo que no está etiquetado, defínalo como sin datos en el archivo (gdal_edit.py -a_nodata {4}).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} and the image do not overlap: bounds {3}, those of the image {4}. Choose labels within the image, or check the CRS of both layers.</source>
        <translation>{1} {2}: no está sobre el ráster; sus límites son {3}, los del ráster {4}. Elija etiquetas sobre el ráster, o compruebe el SRC de ambas capas.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} is not georeferenced. As it has the same size as the image, {3} x {4} pixels, it is aligned with it pixel by pixel.</source>
        <translation>{1} {2}: no tiene georreferencia; como tiene el tamaño del ráster, {3} x {4} píxeles, se superpone a él píxel a píxel.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} has no CRS. The CRS of the image is assumed.</source>
        <translation>{1} {2}: no tiene SRC; se supone el del ráster.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} {2} are a class raster, which has one label for each pixel. For several labels per scene, choose a vector layer.</source>
        <translation>{1} {2}: es un ráster de clases, que tiene una etiqueta para cada píxel. Para varias etiquetas por escena, elija una capa vectorial.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} file {2} can be read neither as a vector layer nor as a raster. Check whether it opens in QGIS, and export it again as GeoPackage or GeoTIFF.</source>
        <translation>{1}: el archivo {2} no se puede leer ni como capa vectorial ni como ráster. Ábralo en QGIS para comprobarlo, y expórtelo de nuevo, como GeoPackage o GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} features of the {2} {3} are neither polygons nor points. They are ignored.</source>
        <translation>{1} objetos de {2} {3} no son ni polígonos ni puntos; se ignoran.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} of {2} features of the {3} {4} have no class in the field &#x27;{5}&#x27;. They are ignored.</source>
        <translation>{1} de {2} objetos de {3} {4} no tienen clase en el campo &#x27;{5}&#x27;; se ignoran.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>No patch with valid pixels was found in {1} attempts: the imagery is almost entirely no-data. Clip the rasters to the area with data, or check their no-data values.</source>
        <translation>No se encontró ningún recorte con píxeles válidos en {1} intentos: las imágenes son casi todas sin datos. Recorte los rásteres a sus datos, o compruebe sus valores sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>Apart from the area held back for validation, the raster {1} has no room for a training window. Use larger rasters, or more of them.</source>
        <translation>El ráster {1} no tiene espacio aparte de lo reservado para juzgar. Indique rásteres mayores, o más rásteres.</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>no-data value {1}</source>
        <translation>valor sin datos {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>additional no-data {1}</source>
        <translation>valor sin datos adicional {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value</source>
        <translation>0 en todas las bandas usadas cuenta como sin datos, porque el archivo no declara ninguno</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>No raster was specified. Choose a raster file.</source>
        <translation>No se indicó ningún ráster. Elija un archivo ráster.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} does not exist. Check the path, and that the drive is connected.</source>
        <translation>El ráster {1} no existe. Compruebe la ruta, y que su unidad esté montada.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose a raster file, or stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>{1} es una carpeta, no un ráster. Si es un producto satelital (Sentinel-2, Landsat, HLS), ábralo primero con &#x27;Abrir producto satelital&#x27;. Si no, elija un archivo ráster, o apile los archivos de bandas con Ráster &gt; Miscelánea &gt; Construir ráster virtual, cada archivo como una banda separada.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is an empty file. Download or export it again.</source>
        <translation>El ráster {1} es un archivo vacío. Descárguelo o expórtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it with &#x27;Open satellite product&#x27; first. Otherwise unpack it, or give the raster inside it as {2}{3}/NAME.tif.</source>
        <translation>{1} es un archivo comprimido, no un ráster. Si es un producto satelital (Sentinel-2, Landsat), ábralo primero con &#x27;Abrir producto satelital&#x27;. Si no, descomprímalo, o indique el ráster que contiene como {2}{3}/NAME.tif.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source> It has ground control points or RPCs: warp it first (Raster &gt; Projections &gt; Warp).</source>
        <translation> Tiene puntos de control terrestre o RPC: combe (reproyecte) primero el ráster (Ráster &gt; Proyecciones).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no coordinate reference system.{2} Assign the correct one in QGIS with Raster &gt; Projections &gt; Assign Projection, or specify it as the CRS.</source>
        <translation>El ráster {1} no tiene sistema de referencia de coordenadas.{2} Asigne el correcto en QGIS con Ráster &gt; Proyecciones &gt; Asignar proyección, o indíquelo como CRS.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no geotransform, so its location and pixel size are unknown. Georeference it in QGIS (Layer &gt; Georeferencer), or specify a CRS to work in pixel coordinates.</source>
        <translation>El ráster {1} no tiene geotransformación, así que se desconocen su posición y su tamaño de píxel. Georreferéncielo en QGIS (Capa &gt; Georreferenciador), o indique el SRC explícitamente para trabajar en coordenadas de píxel.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is positioned by ground control points or RPCs, which do not form a regular pixel grid. Warp it in QGIS first (Raster &gt; Projections &gt; Warp), and use the result.</source>
        <translation>El ráster {1} está situado por puntos de control o RPC, que no forman una malla de píxeles. Reproyéctelo primero en QGIS (Ráster &gt; Proyecciones &gt; Combar) e indique el resultado.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The geotransform of the raster {1} gives its pixels no area. Georeference it again.</source>
        <translation>El ráster {1} tiene una geotransformación cuyos píxeles no tienen área. Georreferéncielo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>&#x27;{1}&#x27; is not a coordinate reference system. Specify a code such as EPSG:32631.</source>
        <translation>&#x27;{1}&#x27; no es un sistema de referencia de coordenadas. Indique un código como EPSG:32631.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured values (WCS) and choose that layer, or download the area as a GeoTIFF.</source>
        <translation>Es la dirección de un servicio, no de un archivo ráster. Añada el servicio a QGIS como capa con valores medidos (WCS) y elija esa capa, o descargue la zona como GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file is on a remote server: check the address, the network and your access rights. The server must support reading parts of a file (HTTP range requests). If it does not, download the file first.</source>
        <translation>Procede de otro equipo: compruebe la dirección, la red y que tenga permiso de lectura allí. El servidor debe enviar partes de un archivo (peticiones HTTP por rangos); si no lo hace, descargue antes el archivo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it again.</source>
        <translation>El archivo puede estar dañado o descargado de forma incompleta: ábralo en QGIS para comprobarlo, y cópielo, descárguelo o expórtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} seems to be stored channels-last: {2} pages of {3} x {4} pixels, that is, an image of {5} rows whose bands were stored as columns. Save it again with the bands first (shape {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</source>
        <translation>El ráster {1} parece tener los canales al final: {2} páginas de {3} x {4} píxeles, es decir, una imagen de {5} filas cuyas bandas se guardaron como columnas. Escríbalo de nuevo con las bandas primero (forma {6}, {7}, {8}; en Python: numpy.moveaxis(image, -1, 0)).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>If they are a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose one of them, or stack them (Raster &gt; Miscellaneous &gt; Build Virtual Raster).</source>
        <translation>Si son un producto satelital (Sentinel-2, Landsat, HLS), ábralo primero con &#x27;Abrir producto satelital&#x27;. Si no, elija uno de ellos, o apílelos (Ráster &gt; Miscelánea &gt; Construir ráster virtual).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has complex values, as some radar products do. Convert it to real values first.</source>
        <translation>El ráster {1} tiene valores complejos (¿radar?). Conviértalo primero a valores reales.</translation>
    </message>
    <message>
        <location filename="../engine/data/patches.py"/>
        <source>The images have different numbers of bands. Choose the same bands for each image.</source>
        <translation>Las imágenes tienen números de bandas distintos, se esperaba el mismo en todas. Elija las mismas bandas para cada una.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>values unchanged</source>
        <translation>valores como en el archivo</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset 0).</source>
        <translation>Las escalas y los desplazamientos propios del archivo no pueden ser correctos, pues una escala es 0 o alguno de ellos no es un número: se ignoraron. Escriba los correctos (gdal_edit.py -scale 0.0001 -offset 0), o ninguno (-scale 1 -offset 0).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scale {2} and offset {3} of the file</source>
        <translation>{1} con la escala {2} y el desplazamiento {3} propios del archivo</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scales and offsets of the file</source>
        <translation>{1} con las escalas y los desplazamientos propios del archivo</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 255</source>
        <translation>valores {1} / 255</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided by 255 and treated as reflectance, so results may be poor. Use the original product if possible.</source>
        <translation>El ráster tiene valores de 8 bits, que están realzados para visualización o sin calibrar: se tomaron como reflectancia tras dividirlos por 255, y los resultados pueden ser deficientes. Use el producto original si puede.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 10000</source>
        <translation>valores {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, the raster&#x27;s values reach a reflectance of {1}, although about 0 to 1 is expected. Results may be wrong. Check the scale and offset of the file, or convert the values to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Los valores del ráster dan reflectancias de hasta {1}, cuando se esperan de 0 a 1 aproximadamente: los resultados pueden ser erróneos. Compruebe la escala y el desplazamiento del archivo, o escriba reflectancia 0..1 o reflectancia x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, some of the raster&#x27;s values give an impossible reflectance of {1} ({2} in the file). They are probably no-data that the file does not declare, which would be mapped as land cover and distort the results around it. Set the value as additional no-data value of the layer, or in the file (gdal_edit.py -a_nodata).</source>
        <translation>Algunos valores del ráster dan reflectancias de {1}, que ningún suelo tiene ({2} en el archivo): un valor sin datos que el archivo no declara se cartografiaría como suelo y estropearía las ventanas de alrededor. Indíquelo como valor sin datos adicional de la capa, o en el archivo (gdal_edit.py -a_nodata).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values used as reflectance</source>
        <translation>valores {1} tomados como reflectancia</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>which gives reflectance</source>
        <translation>que dan reflectancia</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as reflectance x 10000, but then even the brightest areas are dark. If the values are radiance, convert them to reflectance first.</source>
        <translation>Los valores del ráster llegan a {1}: se tomaron como reflectancia x 10000, con lo que hasta los lugares más claros quedan oscuros. Si son radiancias, conviértalas primero en reflectancia.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 100</source>
        <translation>valores {1} / 100</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as percent and divided by 100. If this is wrong, convert them to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Los valores del ráster llegan hasta {1}: se tomaron como porcentaje y se dividieron por 100. Si esto es incorrecto, escriba reflectancia 0..1 o reflectancia x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Level-1 top-of-atmosphere values</source>
        <translation>números uint16 de {1}, nivel 1 (techo de la atmósfera)</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Collection 2 surface reflectance values</source>
        <translation>números uint16 de {1}, reflectancia de superficie de Collection 2</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} values / 10000</source>
        <translation>números uint16 de {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1}: assumed from the product name and the values, as the file declares no scale.</source>
        <translation>{1}: supuesto a partir del nombre y los valores del producto, ya que el archivo no tiene escala.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>from the metadata</source>
        <translation>indicado en los metadatos</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>processing baseline {1}</source>
        <translation>línea base de procesamiento {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>dark pixels show that the offset of {1} ({2}) has already been removed</source>
        <translation>los píxeles oscuros muestran que el desplazamiento de {1} ({2}) ya se quitó</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of {1} ({2})</source>
        <translation>tras quitar el desplazamiento de {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the values include it, subtract it first, or keep the product name in the file name.</source>
        <translation>Ningún píxel oscuro indica si los valores llevan el desplazamiento de 1000 (0.1 en reflectancia) que los productos Sentinel-2 tienen desde la línea base de procesamiento 04.00; no se eliminó ninguno. Si lo llevan, réstelo primero, o mantenga el nombre del producto en el nombre del archivo.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of 1000 indicated by dark pixels</source>
        <translation>tras quitar el desplazamiento de 1000 que muestran los píxeles oscuros</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The darkest pixels of all bands have values of {1} or more (in units of 1/10000). The offset of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed.</source>
        <translation>Los píxeles más oscuros de todas las bandas están en {1} o más (en unidades de 1/10000): se supuso y se eliminó el desplazamiento de 1000 que los productos Sentinel-2 llevan desde la línea base de procesamiento 04.00.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} does not overlap the first one: its bounds are {2}, those of the first one {3}. Choose two rasters of the same place, and check the CRS of both layers.</source>
        <translation>El ráster {1} no se solapa con el primero: sus límites son {2}, los del primero {3}. Elija dos rásteres del mismo lugar, y compruebe el SRC de ambas capas.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} has no valid pixels ({2}). Check its no-data value and the extent.</source>
        <translation>El ráster {1} no tiene ningún píxel válido ({2}). Compruebe su valor sin datos y la extensión.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} {2} and the raster do not overlap: bounds {3} in {4}, those of the raster {5} in {6}. Choose {7} within the raster, or check the CRS of both layers.</source>
        <translation>{1} {2}: no está sobre el ráster; sus límites son {3} en {4}, los del ráster {5} en {6}. Elija {7} sobre el ráster, o compruebe el SRC de ambas capas.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} does not exist. Choose a vector file with {3}.</source>
        <translation>{1}: el archivo {2} no existe. Elija un archivo vectorial con {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>. Check whether it opens in QGIS, and export it again, for instance as GeoPackage.</source>
        <translation>. Ábralo en QGIS para comprobarlo, y expórtelo de nuevo, por ejemplo como GeoPackage.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has no {3} (it has {4} features of type {5}). Choose a layer of {6}{7}.</source>
        <translation>{1}: el archivo {2} no tiene {3} (tiene {4} objetos de tipo {5}). Elija una capa de {6}{7}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has several layers: {3}. Specify one of them, as in {4}|layername={5}.</source>
        <translation>El archivo {2} ({1}) tiene varias capas: {3}. Indique cuál, por ejemplo {4}|layername={5}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has the CRS &#x27;{3}&#x27; and the raster &#x27;{4}&#x27;, and no transformation between them is known. Use a layer in the raster&#x27;s CRS, or set the CRS that the coordinates are actually in.</source>
        <translation>El archivo ({1}) {2} está en &#x27;{3}&#x27; y el ráster en &#x27;{4}&#x27;: no se conoce ningún camino de uno a otro. Dé la capa en el SRC del ráster, o asigne el SRC en el que realmente están sus coordenadas.</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Opening the raster</source>
        <translation>Abriendo el ráster</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Reading its values</source>
        <translation>Examinando sus valores</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Checking which models fit</source>
        <translation>Juzgando los modelos</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>PyTorch {1} cannot find a usable GPU: it was built for the processor only, or the driver is missing or outdated.</source>
        <translation>PyTorch {1} no encuentra ninguna GPU que pueda usar: se compiló solo para el procesador, o el controlador falta o es demasiado antiguo.</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>A matrix product on the GPU differs from that of the processor by {1} of its size.</source>
        <translation>Un producto de matrices en la GPU difiere del calculado en el procesador en {1} de su magnitud.</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>These libraries of the engine do not work: {1}. Repair the engine (in QGIS: SpectralGPT &gt; Engine &gt; Repair).</source>
        <translation>Estas bibliotecas del motor no funcionan: {1}. Repare el motor (en QGIS: SpectralGPT &gt; Motor &gt; Reparar).</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>processor and GPU</source>
        <translation>procesador y GPU</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The model &#x27;{1}&#x27; standardises each scene by statistics of all its pixels, which Deepness does not compute, so its maps would differ. Export the model as plain ONNX.</source>
        <translation>El modelo &#x27;{1}&#x27; estandariza cada escena con estadísticas de todos sus píxeles, que Deepness no calcula: sus mapas serían distintos. Expórtelo como ONNX normal.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the graph for Deepness</source>
        <translation>Escribiendo el grafo para Deepness</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Comparing with the model</source>
        <translation>Comparando con el modelo</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The probabilities of the graph for Deepness differ from those of the model by up to {1}, but only {2} is acceptable. Export the model as plain ONNX, and please report the model&#x27;s card.</source>
        <translation>El grafo para Deepness difiere del modelo en {1} en una probabilidad, se acepta {2}. Expórtelo como ONNX normal, e informe de la ficha del modelo.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the model</source>
        <translation>Escribiendo el modelo</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, assign the bands in this order: {1}{2}.</source>
        <translation>En Deepness, asigne las bandas en este orden: {1}{2}.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, values must be reflectance x {1} without an added offset. First subtract the offset of 1000 of Sentinel-2 products since processing baseline 04.00.</source>
        <translation>En Deepness, los valores deben ser reflectancia x {1}, sin desplazamiento añadido: reste antes los 1000 que los productos Sentinel-2 llevan desde la línea base de procesamiento 04.00.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>Checking the model</source>
        <translation>Comprobando el modelo</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; has no weights to train from: there is no {2} next to it. Export it as ONNX instead.</source>
        <translation>El modelo &#x27;{1}&#x27; no tiene pesos con los que entrenar: no hay ningún {2} junto a él. Expórtelo como ONNX.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; is a backbone, which cannot make predictions before it is fine-tuned. Export its weights (safetensors), or fine-tune it first.</source>
        <translation>El modelo &#x27;{1}&#x27; es un modelo base: no predice nada hasta que se le hace un ajuste fino, así que no hay nada que ejecutar en otro lugar. Exporte sus pesos (safetensors), o haga primero el ajuste fino.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The probabilities of the exported graph differ from those of the network by up to {1}, but only {2} is acceptable. </source>
        <translation>El grafo exportado difiere de la red en {1} en una probabilidad, se acepta {2}. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with full weights (half off).</source>
        <translation>Exporte con pesos completos (half desactivado).</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Please report the model&#x27;s card.</source>
        <translation>Informe de la ficha del modelo.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>This version of PyTorch cannot export the network. Please report it.</source>
        <translation>Esta versión de torch no puede exportar la red. Informe de ello.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The weights of the model need more than 2 GB, the largest size of a single ONNX file. </source>
        <translation>Los pesos del modelo necesitan más de los 2 GB que puede contener un archivo ONNX. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Use a smaller model.</source>
        <translation>Use un modelo más pequeño.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with half-precision weights.</source>
        <translation>Exporte con pesos de media precisión.</translation>
    </message>
    <message>
        <location filename="../engine/export/streamed.py"/>
        <source>The model needs {1} GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead.</source>
        <translation>El modelo necesita {1} GB; un archivo ONNX puede contener 2 GB. Escriba un modelo .safetensors.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/graph_weights.py"/>
        <source>The graph of &#x27;{1}&#x27; does not contain the weight &#x27;{2}&#x27; of its network. Use ONNX Runtime for this model, or keep its .safetensors file next to it.</source>
        <translation>El grafo de &#x27;{1}&#x27; no contiene el peso &#x27;{2}&#x27; de su red. Use ONNX Runtime para este modelo, o guarde su archivo .safetensors al lado.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed on the GPU. Choose the device &#x27;cpu&#x27;. If it is one of the models that come with the plugin, please report this.</source>
        <translation>El modelo &#x27;{1}&#x27; falló en la GPU. Elija el dispositivo &#x27;cpu&#x27;; si es un modelo incluido, comuníquelo.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The GPU does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>La GPU tiene muy poca memoria libre para el modelo &#x27;{1}&#x27;. Cierre otros programas o elija un modelo más pequeño.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; is copied without conversion, so the output must end in {2}, not &#x27;{3}&#x27;. To convert it to another format, use &#x27;Export model&#x27;.</source>
        <translation>&#x27;{1}&#x27; se copia tal como es: la salida debe terminar en {2}, no en &#x27;{3}&#x27;. Para crear con él otro tipo de archivo, use &#x27;Exportar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Copying the model</source>
        <translation>Copiando el modelo</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source> It seems to have been made for the Deepness plugin: use it there.</source>
        <translation> Parece hecho para el complemento Deepness: úselo allí.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how values are scaled, so it cannot be used here.{2} Choose a model made with this plugin, or a published SpectralGPT checkpoint (.pth).</source>
        <translation>&#x27;{1}&#x27; no lleva ficha de SpectralGPT: en él no está escrito qué bandas necesita, por longitud de onda, ni cómo se escalan los valores, por lo que no se puede ejecutar aquí.{2} Se esperaba un modelo creado por este complemento, o un checkpoint publicado de SpectralGPT (.pth).</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Reading the checkpoint</source>
        <translation>Leyendo el checkpoint</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Computing the checksum of the checkpoint</source>
        <translation>Calculando la huella del checkpoint</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it.</source>
        <translation>Este checkpoint es un modelo base: no predice nada hasta que se le hace un ajuste fino, así que no puede convertirse en .onnx. Indique una salida que termine en .safetensors, y haga el ajuste fino a partir de ella.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; has the inputs {2} and the outputs {3}, but a model for {4} needs {5} and must return probabilities. Import the model again.</source>
        <translation>El grafo de &#x27;{1}&#x27; tiene las entradas {2} y las salidas {3}; un modelo para {4} necesita {5} y da probabilidades. Importe el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; expects {2} (bands, rows, columns), but its card says {3}. The file does not match its card: create or import it again.</source>
        <translation>El grafo de &#x27;{1}&#x27; toma {2} (bandas, filas, columnas), su ficha dice {3}. El archivo no corresponde a su ficha: créelo o impórtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model &#x27;{1}&#x27; returned scores of the shape {2}, but its card has {3} classes. The file does not match its card: create or import it again.</source>
        <translation>El modelo &#x27;{1}&#x27; dio puntuaciones de forma {2}, su ficha tiene {3} clases. El archivo no corresponde a su ficha: créelo o impórtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model returned scores that are not numbers (NaN). Either it is damaged, or the raster&#x27;s values are far outside the range that it was trained on. Check the raster&#x27;s values and no-data, set the device to &#x27;cpu&#x27;, or create or import the model again.</source>
        <translation>El modelo dio puntuaciones que no son números (NaN): está dañado, o el ráster tiene valores muy alejados de aquellos para los que se hizo. Revise los valores y los valores sin datos del ráster, ponga el dispositivo en &#x27;cpu&#x27;, o cree o importe el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>{1} ONNX Runtime is used instead.</source>
        <translation>{1} Se usa ONNX Runtime en su lugar.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1} cannot run this model: {2}</source>
        <translation>Medido una vez: {1} no ejecuta este modelo: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2}; not used</source>
        <translation>Medido una vez: {1}: {2}; no se usa</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2} ms per window{3}</source>
        <translation>Medido una vez: {1}: {2} ms por ventana{3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>A GPU was requested, but none can be used: {1}. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install the engine for your GPU.</source>
        <translation>Se pidió una GPU y no se puede usar ninguna: {1}. Elija el dispositivo &#x27;auto&#x27; o &#x27;cpu&#x27;, o instale el motor para su GPU.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>The processor is used instead of the GPU. {1}</source>
        <translation>No se usa la GPU, sino el procesador. {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes were completed by an earlier run and are skipped</source>
        <translation>{1} de {2} escenas las terminó una ejecución anterior y se omiten</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>&#x27;{1}&#x27; could not be updated, because another program, such as a spreadsheet, has it open. Close it there and run the same command again, which only writes the table. Until then, &#x27;{2}&#x27; lists all scenes.</source>
        <translation>No se pudo actualizar «{1}»: otro programa, como una hoja de cálculo, lo tiene abierto. Ciérrelo allí y ejecute lo mismo otra vez, lo que solo escribe la tabla; mientras tanto, «{2}» informa de todas las escenas.</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes failed: {3}. All others are complete; &#x27;{4}&#x27; lists every scene. Fix the problem and run the same command again: completed scenes are skipped.</source>
        <translation>No se pudieron calcular {1} de {2} escenas: {3}. Las demás están terminadas; &#x27;{4}&#x27; las enumera todas. Corrija lo que falla y ejecute lo mismo de nuevo: lo terminado se omite.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cell_windows.py"/>
        <source>Classifying cells</source>
        <translation>Etiquetando celdas</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The cell size {1} is smaller than a pixel ({2} CRS units). Use a larger one, or 0 for the model&#x27;s own window size.</source>
        <translation>El tamaño de celda {1} es menor que un píxel ({2} unidades del SRC). Indique uno mayor, o 0 para la ventana propia del modelo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The raster&#x27;s pixels of {1} m are resampled to {2} m, so that a cell of {3} px is {4} m wide. The model was trained on pixels of {5} m.</source>
        <translation>Los píxeles de {1} m del ráster se remuestrean a {2} m, de modo que una celda de {3} px mide {4} m de ancho; el modelo se entrenó con {5} m.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>A cell covers {1} times the area that the model was trained on ({2} m wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model.</source>
        <translation>Una celda muestra al modelo {1} veces el terreno con el que se entrenó ({2} m de ancho): las etiquetas pueden ser deficientes. Ponga el tamaño de celda en 0 para la escala propia del modelo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>{1} {2}: less than half of their area is covered by valid pixels of the raster.</source>
        <translation>{1} {2}: menos de la mitad de su superficie está sobre píxeles válidos del ráster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>No {1} can be classified: in none of {2} are at least half of the pixels valid. Choose a smaller cell size or another area, or check the no-data values.</source>
        <translation>No se puede etiquetar: {1}. De {2}, ninguno tiene válidos al menos la mitad de sus píxeles. Elija un tamaño de celda menor, otra área, o compruebe los valores sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>A worker would use {1} on {2} (model {3}), but the client uses {4} on {5} (model {6}). Start the workers with the environment and the models of the client, or set the device to &#x27;cpu&#x27;.</source>
        <translation>Un worker calcularía con {1} en {2} (modelo {3}), el cliente con {4} en {5} (modelo {6}). Inicie los workers con el entorno y los modelos del cliente, o elija el dispositivo &#x27;cpu&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster has no workers, so the run is waiting for one. Start workers with: dask worker ADDRESS, or cancel.</source>
        <translation>El clúster no tiene ningún worker, así que no se calcula nada: la ejecución espera a uno. Inicie alguno con: dask worker ADDRESS, o cancele.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its workers. Check the logs of the workers: they may have too little memory, or lack the engine&#x27;s libraries.</source>
        <translation>El clúster no pudo calcular una tarea: su planificador ya no está, o los workers terminaron una y otra vez al hacerlo. Consulte los registros de los workers: puede que les falte memoria o las bibliotecas del motor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Cluster: {1} tasks for {2} workers</source>
        <translation>Clúster: {1} tareas para {2} workers</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Classifying scenes</source>
        <translation>Etiquetando escenas</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Cluster: {1} strips for {2} workers</source>
        <translation>Clúster: {1} franjas para {2} workers</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Strips: row {1}</source>
        <translation>Franjas: fila {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>A change model has two classes, unchanged and changed, but &#x27;{1}&#x27; has {2}. Choose another model.</source>
        <translation>Un modelo de cambios tiene dos clases, sin cambio y cambiado; &#x27;{1}&#x27; tiene {2}. Elija otro modelo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Scores rescaled for this scene: {1} becomes 0.5</source>
        <translation>Puntuaciones reescaladas para esta escena: {1} pasa a ser 0.5</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (determined from the scene)</source>
        <translation>Umbral: {1} (hallado en la escena)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (fixed in the model card)</source>
        <translation>Umbral: {1} (fijado en la ficha del modelo)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is not known)</source>
        <translation>Umbral: {1} (indicado; el propio del modelo no se conoce)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is {2})</source>
        <translation>Umbral: {1} (indicado; el propio del modelo es {2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Writing the map</source>
        <translation>Escribiendo el mapa</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} windows, {2}{3} of memory, {4} of disk space ({5} free)</source>
        <translation>Estimación: {1} ventanas, {2}{3} de memoria, {4} en el disco ({5} libres)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} of disk space in &#x27;{2}&#x27; ({3} free)</source>
        <translation>Estimación: {1} en el disco de «{2}» ({3} libres)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>{1} of memory is free, but the run may need {2}: it may be slow or fail. Close other programs, or use fewer threads.</source>
        <translation>Hay {1} de memoria libres y la ejecución puede necesitar {2}: podría ser lenta o fallar. Cierre otros programas o elija menos hilos.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run needs {3} while it works. Free some space, choose another folder, or limit the extent.</source>
        <translation>La carpeta «{1}» tiene {2} de espacio libre y la ejecución necesita {3} mientras trabaja. Libere espacio, elija otra carpeta o limite la extensión.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run may need {3} and could fail. Free some space, or choose another folder.</source>
        <translation>La carpeta «{1}» tiene {2} de espacio libre y la ejecución puede necesitar {3}: podría fallar. Libere espacio o elija otra carpeta.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU is low on memory. Continuing with {1} windows at a time.</source>
        <translation>La memoria de la GPU es escasa: se continúa con {1} ventanas a la vez.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU does not have enough memory for even one window. Continuing on the processor.</source>
        <translation>La memoria de la GPU no basta para una ventana: se continúa con el procesador.</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_parts.py"/>
        <source>Resuming the previous run: {1} windows are done</source>
        <translation>Continúa donde se detuvo la última ejecución: {1} ventanas están hechas</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_rows.py"/>
        <source>Resuming the previous run: {1} of {2} rows are done</source>
        <translation>Continúa donde se detuvo la última ejecución: {1} de {2} filas están hechas</translation>
    </message>
    <message>
        <location filename="../engine/infer/gpu_choice.py"/>
        <source>Speed test: {1}: {2} ms per window</source>
        <translation>Medido una vez: {1}: {2} ms por ventana</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The model &#x27;{1}&#x27; is for training. To run it, a file that ends in .onnx is needed. Export it first.</source>
        <translation>El modelo &#x27;{1}&#x27; es para entrenar; para ejecutar uno se necesita un archivo que termine en .onnx. Expórtelo primero.</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The card in &#x27;{1}&#x27; does not list any classes. Create or import the model again.</source>
        <translation>La ficha de &#x27;{1}&#x27; no nombra ninguna clase. Créelo o impórtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/model_inputs.py"/>
        <source>The two dates have no group of bands in common: the first one provides the model&#x27;s groups {1}, the second one {2}. Choose rasters from the same sensor.</source>
        <translation>Las dos fechas no tienen ningún grupo de bandas en común: la primera sirve a los grupos {1} del modelo, la segunda a {2}. Elija rásteres del mismo sensor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>There are no valid pixels in the area: the raster has no data there. Choose another area, or check the no-data values.</source>
        <translation>No hay ningún píxel válido en el área: ahí el ráster no contiene más que sin datos. Elija otra área, o compruebe los valores sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>Windows: row {1} of {2}</source>
        <translation>Ventanas: fila {1} de {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime could not start {1}: its driver or libraries are missing or outdated. Update the driver, or choose the processor.</source>
        <translation>ONNX Runtime no pudo iniciar {1}: su controlador o sus bibliotecas faltan o son demasiado antiguos. Actualice el controlador, o elija el procesador.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime {1} cannot load &#x27;{2}&#x27;: the ONNX model is incomplete or needs a newer version. Copy the file again, or update the engine.</source>
        <translation>ONNX Runtime {1} no puede cargar &#x27;{2}&#x27;: no es un modelo ONNX completo, o necesita una versión más nueva. Copie el archivo de nuevo, o actualice el motor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed while running. Create or import it again. If it is one of the models that come with the plugin, please report this.</source>
        <translation>El modelo &#x27;{1}&#x27; falló mientras se ejecutaba. Créelo o impórtelo de nuevo; si es uno de los incluidos, informe de ello.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The {1} does not have enough free memory for the model &#x27;{2}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>{1}: no hay suficiente memoria libre para el modelo &#x27;{2}&#x27;. Cierre otros programas, o elija un modelo más pequeño.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>OpenVINO {1} cannot run &#x27;{2}&#x27;: the ONNX model is incomplete, or has parts that OpenVINO does not support.</source>
        <translation>OpenVINO {1} no puede ejecutar &#x27;{2}&#x27;: no es un modelo ONNX completo, o tiene partes que OpenVINO no conoce.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>The computer does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>El equipo tiene muy poca memoria libre para el modelo &#x27;{1}&#x27;. Cierre otros programas, o elija un modelo más pequeño.</translation>
    </message>
    <message>
        <location filename="../engine/infer/places.py"/>
        <source>A place of {1} CRS units is {2} x {3} pixels, which is larger than the area to search ({4} x {5} pixels). Use a smaller size, 0 for {6} pixels, or a larger extent.</source>
        <translation>Un lugar de {1} unidades del SRC son {2} x {3} píxeles, más que el área en la que se busca ({4} x {5} píxeles). Indique un tamaño menor, 0 para {6} píxeles, o una extensión mayor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/preflight.py"/>
        <source>Estimated: {1} windows, {2}{3}; actual: {4} windows, {5}, {6}</source>
        <translation>Estimado antes: {1} ventanas, {2}{3}; fueron {4} ventanas, {5}, {6}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>No quick look: {1}</source>
        <translation>Sin vista rápida: {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>Quick look: {1} x {2} pixels of {3}</source>
        <translation>Vista rápida: {1} x {2} píxeles de {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>The map view does not show any part of the area to process.</source>
        <translation>El mapa no muestra nada del área que hay que calcular.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask does not intersect the area to process ({1} in {2}); its polygons lie in {3}. Choose another mask, or check its CRS.</source>
        <translation>La máscara no toca el área que se calcula ({1} en {2}); sus polígonos están en {3}. Elija otra máscara, o compruebe su SRC.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask is too small: it contains no pixel centre. Choose a larger mask.</source>
        <translation>La máscara es menor que un píxel: ningún píxel tiene su centro dentro. Elija una máscara mayor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2} ({3})</source>
        <translation>Modelo: {1}, licencia {2} ({3})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2}</source>
        <translation>Modelo: {1}, licencia {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Device: {1} ({2})</source>
        <translation>Dispositivo: {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = band {2}, {3}</source>
        <translation>{1} = banda {2}, {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = left out</source>
        <translation>{1} = omitida</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, bands: {2}</source>
        <translation>{1}, bandas: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, values: {2}</source>
        <translation>{1}, valores: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, no-data: {2}</source>
        <translation>{1}, sin datos: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>The raster&#x27;s pixels are {1} m wide on the ground, but the model was trained on pixels of {2} m, so results may be poor. Resample the raster (Raster &gt; Projections &gt; Warp), choose another model, or train one on this raster.</source>
        <translation>Los píxeles del ráster miden {1} m en el terreno, aquellos de los que aprendió el modelo {2} m: los resultados pueden ser malos. Remuestree el ráster (Ráster &gt; Proyecciones &gt; Combar), elija otro modelo o entrene uno con este ráster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Windows: {1} processed, {2} skipped of {3}; {4} s, {5} Mpx/s on {6} ({7})</source>
        <translation>Ventanas: {1} calculadas, {2} omitidas de {3}; {4} s, {5} Mpx/s en {6} ({7})</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>No scene was specified. List rasters with inputs, or give a text file with one raster per line with inputs_list.</source>
        <translation>No se indicó ninguna escena. Indique rásteres con inputs, o con inputs_list un archivo de texto con uno por línea.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>Change detection needs two rasters for each scene, but {1} were given; the last one is &#x27;{2}&#x27;. Specify a first and a second date for each scene.</source>
        <translation>El cambio necesita dos rásteres por escena; se indicaron {1}, el último es &#x27;{2}&#x27;. Indique una primera y una segunda fecha para cada una.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The scenes &#x27;{1}&#x27; and &#x27;{2}&#x27; would be written to the same output. Leave one out, or rename a file.</source>
        <translation>Dos escenas se escribirían en la misma salida: &#x27;{1}&#x27; y &#x27;{2}&#x27;. Omita una o cambie el nombre de un archivo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The output &#x27;{1}&#x27; is also an input and would be overwritten. Choose another name.</source>
        <translation>La salida &#x27;{1}&#x27; es también una entrada y se sobrescribiría. Elija otro nombre.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The list of scenes &#x27;{1}&#x27; cannot be read. Use a text file (UTF-8) with the path of one raster per line.</source>
        <translation>No se puede leer la lista de escenas &#x27;{1}&#x27;. Indique un archivo de texto (UTF-8) con la ruta de un ráster en cada línea.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>&#x27;{1}&#x27; cannot write &#x27;{2}&#x27; in addition to its output. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; no escribe &#x27;{2}&#x27; junto a su salida. Hay: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}&#x27; must end in {2}. Change it.</source>
        <translation>La salida &#x27;{1}&#x27; debe terminar en {2}. Dele un nombre así.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of a GeoPackage cannot contain &#x27;;&#x27;, but that of the output &#x27;{1}&#x27; does. Choose another name.</source>
        <translation>El nombre de un GeoPackage no puede contener «;», como lo hace el de la salida «{1}». Déle otro nombre.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}...&#x27; is too long for the file and those written next to it: {2} bytes, but at most {3} are allowed. Choose a shorter name.</source>
        <translation>El nombre de la salida &#x27;{1}...&#x27; es demasiado largo para un archivo y los que lo acompañan: {2} bytes; se esperan como máximo {3}. Déle un nombre más corto.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>Two outputs would be written to &#x27;{1}&#x27;. Give each of them a different name.</source>
        <translation>Se escribirían dos salidas en &#x27;{1}&#x27;. Dele a cada una su propio nombre.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The output &#x27;{1}&#x27; is a folder. Specify the name of a file.</source>
        <translation>La salida &#x27;{1}&#x27; es una carpeta. Indique el nombre de un archivo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The folder of the output &#x27;{1}&#x27; does not exist. Create &#x27;{2}&#x27;, or choose another one.</source>
        <translation>La carpeta de la salida &#x27;{1}&#x27; no existe. Cree &#x27;{2}&#x27; o elija otra.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The disk is full, or the file is too large for it: &#x27;{1}&#x27; could not be completed. Free some space, or write to another disk. Nothing of this output was kept.</source>
        <translation>El disco está lleno, o el archivo es demasiado grande para él: no se pudo completar &#x27;{1}&#x27;. Libere espacio, o escriba en otro disco. No se conservó nada de esta salida.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>&#x27;{1}&#x27; cannot be written. Check that you have write access to this folder and that the file is not open in another program or as a layer in QGIS, or choose another location.</source>
        <translation>&#x27;{1}&#x27; no se puede escribir. Compruebe que puede escribir en esta carpeta y que ningún otro programa (o capa de QGIS) está usando el archivo, o elija otro lugar.</translation>
    </message>
    <message>
        <location filename="../engine/infer/threshold.py"/>
        <source>The model card asks for the threshold {1}, which this version does not support. Update the plugin, or specify a threshold.</source>
        <translation>La ficha del modelo pide el umbral {1}, que esta versión no conoce. Actualice el complemento, o indique usted un umbral.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>The model &#x27;{1}&#x27; has {2} class, but uncertainty needs two or more. Choose a model with more classes.</source>
        <translation>El modelo &#x27;{1}&#x27; conoce {2} clase; para estar indeciso se necesitan dos o más. Elija un modelo con más clases.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>No place of {1} has at least half of its pixels valid{2}. Choose a smaller size or a larger area, or check the no-data values.</source>
        <translation>Ningún lugar de {1} tiene válidos al menos la mitad de sus píxeles{2}. Elija un tamaño menor, un área mayor, o compruebe los valores sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>Places of {1}: {2} found.</source>
        <translation>Lugares de {1}: {2} encontrados.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>{1} places were found instead of {2}: there is not enough space for more places of {3} with the required distance between them. Choose a smaller size, or a larger area.</source>
        <translation>Se encontraron {1} lugares en lugar de {2}: no hay espacio para más de {3} con la distancia de un lugar entre dos cualesquiera. Elija un tamaño menor, o un área mayor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/windows.py"/>
        <source>Windows of {1} px with an overlap of {2} px are impossible for a raster of {3} x {4} px: sizes must be at least 1, and the overlap must be smaller than the window.</source>
        <translation>No son posibles ventanas de {1} px con un solape de {2} px sobre un ráster de {3} x {4} px: los tamaños deben ser al menos 1 y el solape menor que la ventana.</translation>
    </message>
    <message>
        <location filename="../engine/infer/zone_windows.py"/>
        <source>Classifying zones</source>
        <translation>Etiquetando zonas</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>There is no command &#x27;{1}&#x27;. Available: {2}.</source>
        <translation>No existe el verbo &#x27;{1}&#x27;. Existen: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>The parameters of &#x27;{1}&#x27; must be a JSON object.</source>
        <translation>Los parámetros de &#x27;{1}&#x27; deben ser un objeto JSON.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>&#x27;{1}&#x27; needs the library &#x27;{2}&#x27;, which is not installed in this engine. Install the engine&#x27;s {3} libraries (in QGIS: SpectralGPT &gt; Engine).</source>
        <translation>&#x27;{1}&#x27; necesita la biblioteca &#x27;{2}&#x27;, que este motor no tiene. Instale las bibliotecas de {3} del motor (en QGIS: SpectralGPT &gt; Motor).</translation>
    </message>
    <message>
        <location filename="../engine/memory_limit.py"/>
        <source> The memory limit allows the engine {1} MB. Increase or remove the limit in QGIS under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation> El motor puede usar {1} MB, según el límite de memoria: auméntelo en QGIS en Configuración &gt; Opciones &gt; SpectralGPT, o elija sin límite.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>{1}={2} does not match {3}={4}: a positive multiple is needed. Use {5}={6}, or another {7}.</source>
        <translation>{1}={2} no es compatible con {3}={4}: se esperaba un múltiplo positivo. Use {5}={6}, u otro {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>There is no preset &#x27;{1}&#x27;. Choose one of {2}.</source>
        <translation>No existe el preajuste &#x27;{1}&#x27;. Elija uno de {2}.</translation>
    </message>
    <message>
        <location filename="../engine/model/dense_head.py"/>
        <source>The published pixel-wise head needs tokens of {1} pixels and a width that is a multiple of 16, but it was given patch={2}, width={3}. Use patch={4} and width={5}.</source>
        <translation>El cabezal por píxel publicado está hecho para tokens de {1} píxeles y una anchura múltiplo de 16, se indicó patch={2}, width={3}. Use patch={4} y width={5}.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The network expects images [batch, {1}, height, width], but got {2}. Fill missing bands with zeros and leave out their group.</source>
        <translation>La red toma imágenes [batch, {1}, height, width], se indicó {2}. Rellene con ceros las bandas que faltan y omita su grupo.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The pretrained model does not match this network: {1} of {2} encoder weights are missing or have a different shape ({3}). Choose a backbone with the same bands, width and depth.</source>
        <translation>El modelo preentrenado no se ajusta a esta red: {1} de {2} pesos del codificador faltan o tienen otra forma ({3}). Elija un modelo base con las mismas bandas, anchura y profundidad.</translation>
    </message>
    <message>
        <location filename="../engine/model/losses.py"/>
        <source>The loss weights {1} are invalid: none may be negative, and at least one must be above 0.</source>
        <translation>No se puede entrenar con los pesos de pérdida {1}: ninguno puede ser negativo y uno debe ser mayor que 0.</translation>
    </message>
    <message>
        <location filename="../engine/model/masked_autoencoder.py"/>
        <source>A mask ratio of {1} leaves {2} of {3} tokens visible, but some must be hidden and some visible. Use 0.9, or a larger window.</source>
        <translation>Una proporción de máscara de {1} deja visibles {2} de {3} tokens: algunos deben estar ocultos y otros visibles. Use 0.9, o una ventana mayor.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The statistics in the card do not match its {1} bands: {2} means, {3} standard deviations (each must be above 0). Train or import the model again.</source>
        <translation>Las estadísticas de la ficha no corresponden a sus {1} bandas: {2} medias, {3} desviaciones (cada una debe ser mayor que 0). Entrene o importe el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The card asks for the normalisation &#x27;{1}&#x27;, but this version supports only statistics, tile-minmax, scene-statistics and none. Update the plugin.</source>
        <translation>La ficha pide la normalización &#x27;{1}&#x27;, esta versión conoce statistics, tile-minmax, scene-statistics y none. Actualice el complemento.</translation>
    </message>
    <message>
        <location filename="../engine/model/pixel_change.py"/>
        <source>{1} pixel levels end at stride {2}, but a token is {3} pixels wide. Specify one width for each stride from 1 to {4}.</source>
        <translation>{1} niveles de píxeles terminan en el paso {2}, pero un token mide {3} píxeles de ancho. Indique una anchura para cada paso de 1 a {4}.</translation>
    </message>
    <message>
        <location filename="../engine/model/position.py"/>
        <source>A window of {1} x {2} pixels cannot be divided into tokens of {3} x {4}: both sides must be multiples of {5}. The nearest valid size is {6} x {7}.</source>
        <translation>Una ventana de {1} x {2} píxeles no se puede cortar en tokens de {3} x {4}: ambos lados deben ser múltiplos de {5}. El tamaño válido más cercano es {6} x {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>A model for &#x27;{1}&#x27; cannot make predictions by itself. Fine-tune it first, and use the result.</source>
        <translation>Un modelo para &#x27;{1}&#x27; no predice nada por sí mismo. Haga primero el ajuste fino, y use el resultado.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>The model needs {1} inputs ({2}), but {3} were given.</source>
        <translation>El modelo toma {1} entradas ({2}), se indicaron {3}.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card specifies the network &#x27;{1}&#x27;, but this version supports only {2}. Update the plugin, or import the model again.</source>
        <translation>La ficha del modelo nombra la red &#x27;{1}&#x27;, esta versión conoce {2}. Actualice el complemento, o importe el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card describes its network &#x27;{1}&#x27; in a way that this version does not support. Update the plugin, or import the model again.</source>
        <translation>La ficha del modelo describe su red &#x27;{1}&#x27; de una forma que esta versión no puede construir. Actualice el complemento, o importe el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network has lost its encoder.</source>
        <translation>La red ha perdido su codificador.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network was made without a pixel branch.</source>
        <translation>La red se creó sin rama de píxeles.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model &#x27;{1}&#x27; is for {2}, but a model for {3} is needed. Choose another model, or use the tool that fits this one.</source>
        <translation>El modelo &#x27;{1}&#x27; es para {2}, aquí se necesita uno para {3}. Elija otro modelo, o use la herramienta adecuada para este.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>There is no model &#x27;{1}&#x27;. Specify the path of a model file, or the name of an installed model ({2}).</source>
        <translation>No existe el modelo &#x27;{1}&#x27;. Indique la ruta de un archivo de modelo, o el nombre de un modelo instalado ({2}).</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats with &#x27;Import model&#x27; first.</source>
        <translation>&#x27;{1}&#x27; no es un modelo de SpectralGPT: se esperaba un archivo que termine en .onnx o .safetensors. Importe primero otros formatos con &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or choose another model.</source>
        <translation>&#x27;{1}&#x27; no se puede leer como modelo: falta, está dañado o es de otro tipo. Copie el archivo de nuevo, o elija otro modelo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card, so its bands and classes are not known. Import it with &#x27;Import model&#x27; first.</source>
        <translation>&#x27;{1}&#x27; no lleva ficha de SpectralGPT, así que se desconocen sus bandas y clases. Impórtelo primero con &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The card in &#x27;{1}&#x27; is damaged. Copy the file again.</source>
        <translation>La ficha dentro de &#x27;{1}&#x27; está dañada. Copie el archivo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; was changed or damaged after it was made: its content does not match its checksum. Copy or download it again.</source>
        <translation>El archivo de modelo &#x27;{1}&#x27; se modificó o dañó después de crearse: su contenido no coincide con su sello. Cópielo o descárguelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no checksum. Import or train the model again.</source>
        <translation>El archivo de modelo &#x27;{1}&#x27; no tiene sello. Importe o entrene el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no space for a checksum. Import or train the model again.</source>
        <translation>El archivo de modelo &#x27;{1}&#x27; no tiene lugar para un sello. Importe o entrene el modelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} is not responding.</source>
        <translation>La carpeta {1} no responde.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} does not exist, or its drive is not connected.</source>
        <translation>La carpeta {1} no existe, o su unidad no está conectada.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>{1} is a file, not a folder.</source>
        <translation>{1} es un archivo, no una carpeta.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} cannot be read: {2}.</source>
        <translation>La carpeta {1} no se puede leer: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>There is no file &#x27;{1}&#x27;. Specify the path of a checkpoint.</source>
        <translation>No existe el archivo &#x27;{1}&#x27;. Indique la ruta de un checkpoint.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; was not loaded: in addition to weights, it contains {2} type(s) of Python object that could execute code ({3}). Only tensors, plain values and argparse.Namespace are accepted. Use the published file, or save only the weights with torch.save(model.state_dict(), path).</source>
        <translation>&#x27;{1}&#x27; no se cargó: además de pesos contiene {2} tipo(s) de objeto de Python que podrían ejecutar código ({3}). Solo se esperaban tensores, valores simples y argparse.Namespace. Obtenga el archivo publicado, o guarde solo los pesos con torch.save(model.state_dict(), path).</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. Download it again and compare its size.</source>
        <translation>&#x27;{1}&#x27; no se puede leer como checkpoint de PyTorch: es de otro tipo, está incompleto o dañado. Descárguelo de nuevo y compare su tamaño.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2}, but a dictionary of weights is needed, either directly or under &#x27;model&#x27;. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; contiene {2}, se esperaba un diccionario de pesos, directamente o bajo &#x27;model&#x27;. Indique uno de los checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2} entries that are not weights ({3}). Only dense floating-point tensors are accepted. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; contiene {2} entradas que no son pesos ({3}), solo se esperaban tensores densos de coma flotante. Indique uno de los checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT checkpoint: the weights {2} are needed, but {3} was found, among {4} weights ({5}). Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; no es un checkpoint de SpectralGPT: se esperaban los pesos {2}; se encontró {3}, entre {4} pesos ({5}). Indique uno de los checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; has tokens of width {2} at {3} positions, but a width of {4} and a square number of positions are needed. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; tiene tokens de anchura {2} en {3} posiciones, se esperaban una anchura de {4} y un número cuadrado de posiciones. Indique uno de los checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head (cls_seg..., head...) among {2} weights. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; contiene el codificador de SpectralGPT, pero ni su decodificador (decoder_...) ni un cabezal (cls_seg..., head...) entre {2} pesos. Indique uno de los checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; does not match SpectralGPT&#x27;s {2} network of {3} weights: {4}. Use the published file as it was downloaded, or specify its type with &#x27;kind&#x27;.</source>
        <translation>&#x27;{1}&#x27; no se ajusta a la red {2} de SpectralGPT de {3} pesos: {4}. Indique el archivo publicado tal como se descargó, o elija con &#x27;kind&#x27; qué contiene.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo record 8412455. Their licence, CC-BY-4.0, is known from a third party&#x27;s table only: unverified.</source>
        <translation>Pesos: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, registro 8412455 de Zenodo. Su licencia, CC-BY-4.0, solo se conoce por una tabla de terceros: sin verificar.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Each window is scaled to 0..1 band by band, as in training.</source>
        <translation>Cada ventana se escala a 0..1 banda por banda, como en el entrenamiento.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source> The meaning of its {1} bands is not known: choose the raster bands manually.</source>
        <translation> Se desconoce el significado de sus {1} bandas: elija a mano las bandas del ráster.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>{1} {2} Imported; none of its accuracy figures was checked here.</source>
        <translation>{1} {2} Importado; ninguna de sus cifras se comprobó aquí.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.</source>
        <translation>Modelo base publicado de SpectralGPT, del que partir para el ajuste fino; no predice nada por sí mismo.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT change network, fine-tuned by its authors on OSCD.</source>
        <translation>Red de cambios publicada de SpectralGPT, con ajuste fino de sus autores en OSCD.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT segmentation network with {1} classes whose names are not in the file.</source>
        <translation>Red de segmentación SpectralGPT de {1} clases cuyos nombres no están en el archivo.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and appends their mean twice. The sources disagree about which ten; these were confirmed by the first author.</source>
        <translation>Red de segmentación publicada de SpectralGPT, con ajuste fino de sus autores en SegMunich. Toma diez bandas y añade dos veces su media. Las fuentes no coinciden en cuáles son las diez: estas son las que confirmó su primer autor.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, and scaling by window is an assumption.</source>
        <translation>Clasificador de escenas SpectralGPT cuyos nombres de clase y normalización no están en el archivo: los nombres son números, y el escalado por ventana es una suposición.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; has no parameter &#x27;{2}&#x27;. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; no tiene el parámetro &#x27;{2}&#x27;. Tiene: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; needs the parameter &#x27;{2}&#x27;: {3}.</source>
        <translation>&#x27;{1}&#x27; necesita el parámetro &#x27;{2}&#x27;: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}; expected {4} ({5}).</source>
        <translation>El parámetro &#x27;{1}&#x27; de &#x27;{2}&#x27; es {3}; se esperaba {4} ({5}).</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is &#x27;{3}&#x27;; choose one of: {4}.</source>
        <translation>El parámetro &#x27;{1}&#x27; de &#x27;{2}&#x27; es &#x27;{3}&#x27;; elija uno de: {4}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}, but it must be between {4} and {5}.</source>
        <translation>El parámetro &#x27;{1}&#x27; de &#x27;{2}&#x27; es {3}; debe estar entre {4} y {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The archive {1} cannot be read: it is damaged, incompletely downloaded, or its type does not match its name. Download it again.</source>
        <translation>El archivo comprimido {1} no se puede leer: está dañado, descargado de forma incompleta o es de otro tipo que el que indica su nombre. Descárguelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The metadata file &#x27;{1}&#x27; of the product cannot be read: it is damaged or incompletely downloaded. Download the product again.</source>
        <translation>El archivo de metadatos &#x27;{1}&#x27; del producto no se puede leer: está dañado o descargado de forma incompleta. Descargue de nuevo el producto.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no file or folder &#x27;{1}&#x27;. Choose the folder of a satellite product, its .zip or .tar, or any of its files.</source>
        <translation>No existe el archivo ni la carpeta &#x27;{1}&#x27;. Indique la carpeta de un producto satelital, su .zip o .tar, o cualquiera de sus archivos.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>&#x27;{1}&#x27; is a compressed archive whose files cannot be read one by one. Unpack it, and choose the folder. A .zip or a .tar does not have to be unpacked.</source>
        <translation>&#x27;{1}&#x27; es un archivo comprimido en el que ninguna parte se puede leer por separado. Descomprímalo e indique la carpeta; un .zip o un .tar se puede indicar tal cual.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no archive on this computer in &#x27;{1}&#x27;. Choose a .zip or .tar on a local or network drive.</source>
        <translation>En &#x27;{1}&#x27; no hay ningún archivo comprimido de este equipo. Indique un .zip o .tar que esté en una unidad.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive has been reprocessed.</source>
        <translation>Es un producto de Sentinel-2 de la forma antigua, anterior a diciembre de 2016. Descargue de nuevo la misma escena: el archivo se ha reprocesado.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole product.</source>
        <translation>Hay archivos de un producto de Sentinel-2, pero su archivo de metadatos MTD_MSIL2A.xml o MTD_MSIL1C.xml no está por encima de ellos; sin él no se conocen la escala ni el desplazamiento de los valores. Descargue el producto completo.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale and offset of the values are unknown. Download the product bundle.</source>
        <translation>Hay archivos de un producto de Landsat, pero ningún archivo de metadatos (su nombre termina en _MTL.txt); sin él no se conocen la escala ni el desplazamiento de los valores. Descargue el paquete del producto.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is an HLS product of version 1. Download version 2.</source>
        <translation>Es un producto HLS de la versión 1. Descargue la versión 2.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be opened.</source>
        <translation>Es un producto de otro satélite o nivel. Se pueden abrir Sentinel-2 Level-1C y Level-2A.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; contains {2} products: {3}. Choose one of these files, or the folder or archive of one product.</source>
        <translation>&#x27;{1}&#x27; contiene {2} productos: {3}. Indique uno de estos archivos, o la carpeta o el archivo comprimido de un solo producto.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 product (folder).</source>
        <translation>&#x27;{1}&#x27; no pertenece a ningún producto satelital que se pueda abrir. Se espera un producto de Sentinel-2 (carpeta .SAFE o .zip, Level-1C o Level-2A), un producto de Landsat Collection 2 (carpeta o .tar) o un producto HLS de la versión 2 (carpeta).</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The HLS product {1} lacks {2} of its bands: {3}. Download all of its files into one folder.</source>
        <translation>Al producto HLS {1} le faltan {2} de sus bandas: {3}. Descargue todos sus archivos en una carpeta.</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The product&#x27;s file Fmask is missing: no clouds are masked.</source>
        <translation>Falta el archivo Fmask del producto: no se enmascaran nubes.</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>&#x27;{1}&#x27; does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI (collection {2}, sensor {3}). Download the scene from Collection 2, best as Level-2 (surface reflectance).</source>
        <translation>&#x27;{1}&#x27; no describe ningún producto de Landsat Collection 2 con reflectancias de TM, ETM+ u OLI (colección {2}, sensor {3}). Descargue la escena de Collection 2, mejor como Level-2 (reflectancia de superficie).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: it is incompletely downloaded or unpacked. Download it as a whole (the product bundle).</source>
        <translation>Al producto le faltan {1} de sus archivos, como &#x27;{2}&#x27;: está descargado o descomprimido de forma incompleta. Descárguelo entero (el paquete del producto).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product&#x27;s file QA_PIXEL is missing: no clouds are masked.</source>
        <translation>Falta el archivo QA_PIXEL del producto: no se enmascaran nubes.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Reading the product&#x27;s metadata</source>
        <translation>Leyendo los metadatos del producto</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Product: {1}, taken {2}.</source>
        <translation>Producto: {1}, tomado {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The band files in this archive are compressed, so they are decompressed each time they are read. Maps are faster from the unpacked product.</source>
        <translation>Los archivos de bandas de este archivo están comprimidos, de modo que cada lectura los descomprime: los mapas son más rápidos con el producto descomprimido.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Opening the band files</source>
        <translation>Abriendo los archivos de banda</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Computing the colour stretch</source>
        <translation>Determinando los colores</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} bands on a grid of {2} x {3} pixels of {4} m: {5}.</source>
        <translation>{1} bandas en una cuadrícula de {2} x {3} píxeles de {4} m: {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Masking clouds</source>
        <translation>Enmascarando nubes</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} % of the scene is masked as clouds or shadows, according to the product&#x27;s {2}.</source>
        <translation>El {1} % de la escena está enmascarado como nubes o sombras, según la capa del propio producto: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The files of the product do not cover the same ground: &#x27;{1}&#x27; differs from the others. Files of several products may be mixed in one folder: download the product again into a folder of its own.</source>
        <translation>Los archivos del producto no cubren el mismo terreno: &#x27;{1}&#x27; difiere de los demás. Quizá haya archivos de varios productos mezclados en una carpeta: descargue de nuevo el producto en una carpeta propia.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>With pixels of {1} m, the product of {2} x {3} pixels would have {4} x {5}. Give a resolution near its own, {6} m, or 0 for that.</source>
        <translation>Con píxeles de {1} m, el producto de {2} x {3} píxeles tendría {4} x {5}. Indique una resolución cercana a la propia, {6} m, o 0 para usarla.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The metadata file &#x27;{1}&#x27; lists {2} tiles and the files of {3} bands, but one tile with all bands and the scale of their values is needed. The product has the format used before December 2016, or it is damaged. Download it again.</source>
        <translation>El archivo de metadatos &#x27;{1}&#x27; nombra {2} teselas y los archivos de {3} bandas; se espera una tesela con todas las bandas y la escala de sus valores. Es de una forma antigua (anterior a diciembre de 2016) o está dañado: descargue de nuevo el producto.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: its download or unpacking is incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that resolution.</source>
        <translation>Al producto le faltan {1} de sus archivos, como &#x27;{2}&#x27;: está descargado o descomprimido de forma incompleta. Descárguelo o descomprímalo de nuevo. Si solo se descargaron sus archivos de 20 o 60 m, indique esa resolución.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>scene classification (SCL)</source>
        <translation>clasificación de la escena (SCL)</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product&#x27;s scene classification (SCL) is missing: no clouds are masked.</source>
        <translation>Falta la clasificación de la escena (SCL) del producto: no se enmascaran nubes.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask.</source>
        <translation>El producto no tiene una máscara de nubes que se pueda leer: antes de la línea base de procesamiento 04.00 (enero de 2022), los productos Level-1C solo tienen polígonos. No se enmascaran nubes; con el Level-2A de la misma fecha sí es posible.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object on a single line: {1}.</source>
        <translation>El trabajo no es un objeto JSON en una línea: se recibió {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object: {1}.</source>
        <translation>El trabajo no es un objeto JSON: se recibió {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The engine ran out of memory. Close other programs, or work on a smaller area.</source>
        <translation>El motor se quedó sin memoria. Cierre otros programas, o trabaje en un área menor.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>An unexpected error occurred in the engine ({1}: {2}). Please report it.</source>
        <translation>El motor encontró un error inesperado ({1}: {2}). Informe de ello.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model &#x27;{1}&#x27; comes with the plugin and cannot be renamed.</source>
        <translation>El modelo &#x27;{1}&#x27; está incluido con el complemento y conserva su nombre.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>&#x27;{1}&#x27; cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( ).</source>
        <translation>&#x27;{1}&#x27; no puede ser el nombre de un archivo. Use letras, cifras, espacios y los signos _ - + ( ).</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>There is already a model &#x27;{1}&#x27; in {2}. Choose another name.</source>
        <translation>Ya existe un modelo &#x27;{1}&#x27; en {2}. Elija otro nombre.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model has been renamed, but its old file &#x27;{1}&#x27; could not be deleted: {2}. Delete it manually.</source>
        <translation>El modelo tiene su nuevo nombre, pero su antiguo archivo &#x27;{1}&#x27; no se pudo eliminar: {2}. Elimínelo usted mismo.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model.</source>
        <translation>El modelo &#x27;{1}&#x27; no tiene un codificador de SpectralGPT del que partir. Elija un modelo base, o un modelo creado con ajuste fino.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; can only make predictions, and there is no {2} next to it to train from. Choose a backbone, or a model that you fine-tuned.</source>
        <translation>El modelo &#x27;{1}&#x27; solo puede predecir, y no hay junto a él ningún {2} con el que entrenar. Elija un modelo base, o un modelo al que haya hecho el ajuste fino.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1}Epoch {2} of {3}, loss {4}</source>
        <translation>{1}Ronda {2} de {3}, pérdida {4}</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} is not a checkpoint of a training run, or it is damaged. Delete it to start from the beginning.</source>
        <translation>{1} no es un checkpoint de un entrenamiento, o está dañado. Elimínelo para empezar desde el principio.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} belongs to a run with different settings. Delete it to start from the beginning, or continue with the settings it was made with.</source>
        <translation>{1} pertenece a una ejecución con otra configuración. Elimínelo para empezar desde el principio, o continúe con la configuración con la que se creó.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>The checkpoint {1} could not be written: the disk is full, or the folder is read-only. Free some space, or fix the folder, and run the same command again. It continues from the last checkpoint.</source>
        <translation>No se pudo escribir el punto de control {1}: el disco está lleno o no se puede escribir en la carpeta. Haga sitio o corrija la carpeta y ejecute lo mismo otra vez: continúa desde el último punto de control.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>Change detection needs two classes, unchanged and changed, but the labels have {1} ({2}). Merge them into two.</source>
        <translation>Los cambios se aprenden de dos clases, sin cambio y cambiado; las etiquetas tienen {1} ({2}). Combínelas en dos.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>It is not clear which of the labels &#x27;{1}&#x27; and &#x27;{2}&#x27; means change. Name them &#x27;unchanged&#x27; and &#x27;changed&#x27;, or 0 and 1.</source>
        <translation>No se puede saber cuál de las etiquetas &#x27;{1}&#x27; y &#x27;{2}&#x27; significa cambio. Llámelas &#x27;unchanged&#x27; (sin cambio) y &#x27;changed&#x27; (cambiado), o 0 y 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/device.py"/>
        <source>A GPU was requested, but PyTorch cannot find one. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install a version of PyTorch that fits the GPU driver.</source>
        <translation>Se pidió una GPU, pero torch no ve ninguna aquí. Elija el dispositivo &#x27;auto&#x27; o &#x27;cpu&#x27;, o instale un torch adecuado para el controlador de la GPU.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Mean overlap (IoU) on held-back labels before training: {1}</source>
        <translation>Solapamiento medio (IoU) en las etiquetas reservadas antes: {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels</source>
        <translation>etiquetas reservadas por lugares enteros, en la mejor época según las mismas etiquetas</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Stopped before the end of the first epoch. The model with an unchanged backbone is kept.</source>
        <translation>Detenido antes de que terminara la primera ronda: se conserva el cabezal sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back labels ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>Entrenar el codificador no mejoró el mapa de las etiquetas reservadas ({1} frente a {2}): se conserva el cabezal sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Expected a Predictor, given {1}.</source>
        <translation>Se esperaba un Predictor, se indicó {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/head_tuning.py"/>
        <source>labels of {1} places in {2} parts, each held back in turn; the model was then trained on all of them</source>
        <translation>etiquetas de {1} lugares en {2} partes, cada una reservada por turno; después el modelo se ajustó a todas</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>Assessing accuracy, part {1} of {2}</source>
        <translation>Juzgando, parte {1} de {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>No labels could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Draw every class in at least two places.</source>
        <translation>No se reservó nada con lo que juzgar el modelo: una clase está etiquetada en un solo lugar (a menos de {1} píxeles). Dibuje cada clase en al menos dos lugares.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No raster was specified. Choose the rasters with the labelled areas.</source>
        <translation>No se indicó ningún ráster. Elija los rásteres con el terreno etiquetado.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>There are {1} rasters of the first date and {2} of the second. Specify one of the second date for each of the first, in the same order.</source>
        <translation>Hay {1} rásteres de la primera fecha y {2} de la segunda. Indique uno de la segunda para cada uno de la primera, en el mismo orden.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>Rasters of a second date were specified, but the task is {1}. Choose change-detection, or leave them out.</source>
        <translation>Se indicaron rásteres de una segunda fecha, pero la tarea es {1}. Elija change-detection, u omítalos.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1} is left out: {2}</source>
        <translation>{1} se omite: {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>The labels {1} do not overlap any of the {2} rasters. Choose rasters of the labelled area, or check the CRS of both.</source>
        <translation>Las etiquetas {1} no están sobre ninguno de los {2} rásteres. Elija rásteres del lugar etiquetado, o compruebe el SRC de ambos.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No pixel of the rasters is labelled as {1}: the labels of this class lie elsewhere. Draw some on the rasters, or leave out the class.</source>
        <translation>Ningún píxel de los rásteres está etiquetado como {1}: las etiquetas de esa clase están en otro lugar. Dibuje algunas sobre los rásteres, u omita la clase.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1}: some bands are missing that other rasters have. The model is trained without these bands on all rasters.</source>
        <translation>{1}: faltan algunas bandas que otros rásteres tienen. El modelo aprende sin ellas en todas partes.</translation>
    </message>
    <message>
        <location filename="../engine/train/made_model.py"/>
        <source>{1} cannot be stored.</source>
        <translation>{1} no se puede guardar.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>The backbone already processed {1} of {2} views of the windows in an earlier run.</source>
        <translation>El modelo base ya ha visto {1} de {2} vistas de las ventanas en una ejecución anterior.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels; the model was then trained on all of them</source>
        <translation>etiquetas reservadas por lugares enteros, en la mejor época según las mismas etiquetas; después el modelo se entrenó con todas</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed. Draw more labels where the raster has valid pixels.</source>
        <translation>Todas las etiquetas que se reservaron son sin datos en los rásteres, así que el modelo no se puede juzgar. Dibuje más etiquetas donde el ráster tenga valores.</translation>
    </message>
    <message>
        <location filename="../engine/train/masked_pretraining.py"/>
        <source>Stage {1} of {2}. </source>
        <translation>Etapa {1} de {2}. </translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1} ({2})</source>
        <translation>Método: {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1}</source>
        <translation>Método: {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>for change in other places, an unchanged backbone with a trained head works best</source>
        <translation>el cambio en otros lugares se encuentra mejor cuando el modelo base queda como está y se ajusta un cabezal</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with only {1} labelled places, the backbone stays unchanged and only a head is trained</source>
        <translation>{1} lugares etiquetados son pocos: el modelo base queda como está y se ajusta un cabezal</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and a GPU, all weights are trained</source>
        <translation>{1} lugares etiquetados y una GPU: aprenden todos los pesos</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and no GPU, a small part of the backbone is trained</source>
        <translation>{1} lugares etiquetados, sin GPU: aprenden unos pocos pesos del modelo base</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} million weights in the backbone and no GPU, the backbone stays unchanged and only a head is trained</source>
        <translation>el modelo base tiene {1} millones de pesos y no hay GPU: queda como está y se ajusta un cabezal</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The truth has the shape {1}, but the prediction {2}: they must be the same.</source>
        <translation>La verdad tiene la forma {1}, la predicción {2}: se esperaba la misma.</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The {1} contains values {2}..{3}, but only 0..{4} are possible.</source>
        <translation>{1}: contiene valores {2}..{3}, se esperaba 0..{4}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>Computing features</source>
        <translation>Calculando características</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check its no-data value.</source>
        <translation>Todos los píxeles etiquetados son sin datos en los rásteres. Dibuje etiquetas donde el ráster tenga valores, o compruebe su valor sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All pixels labelled as {1} are no-data in the rasters. Draw some where the raster has valid pixels, or leave out the class.</source>
        <translation>Todos los píxeles etiquetados como {1} son sin datos en los rásteres. Dibuje algunos donde el ráster tenga valores, u omita la clase.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>{1} has no features of pixels.</source>
        <translation>{1} no tiene características de píxeles.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>{1} completed epochs are saved in {2}. Run the same command again to continue.</source>
        <translation>{1} épocas terminadas se guardan en {2}: ejecute lo mismo de nuevo para continuar.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Nothing was saved, because no checkpoint folder was specified.</source>
        <translation>No se conservó nada, ya que no se indicó ninguna carpeta de checkpoints.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Cancelled. {1}</source>
        <translation>Cancelado. {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery is loaded into GPU memory, and patches are cut there.</source>
        <translation>Las imágenes se leen en la memoria de la GPU; allí se cortan los recortes.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery does not fit into GPU memory together with the other data. Patches are read from disk as needed.</source>
        <translation>No caben allí junto a lo que ocupan otros: se leen según haga falta.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error of hidden values in normalised units, on windows that were held back; &#x27;interpolation&#x27; fills each band from its visible tokens by distance, &#x27;mean&#x27; by their mean</source>
        <translation>error cuadrático medio de los valores ocultos en unidades normalizadas, en ventanas reservadas; &#x27;interpolación&#x27; rellena cada banda a partir de sus tokens visibles según la distancia, &#x27;media&#x27; con su media</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, from random weights ({1}).</source>
        <translation>SpectralGPT preentrenado sin etiquetas con imágenes propias, a partir de pesos aleatorios ({1}).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, continuing from {1}.</source>
        <translation>SpectralGPT preentrenado sin etiquetas con imágenes propias, continuando desde {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>masked pretraining, progressively over windows and mask ratios</source>
        <translation>preentrenamiento enmascarado, progresivo en ventanas y proporciones de máscara</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The model &#x27;{1}&#x27; has no decoder for pretraining. Choose a backbone.</source>
        <translation>El modelo &#x27;{1}&#x27; no tiene decodificador con el que preentrenar. Elija un modelo base.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use larger rasters, or at least ten.</source>
        <translation>Las imágenes son demasiado pequeñas para reservar una parte: la red no se puede juzgar en terreno que no ha visto. Indique rásteres mayores, o al menos diez.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} of the rasters, such as {2}, have changed since the run in {3} began. The rest of the run uses them as they are now. Delete this folder to start from the beginning.</source>
        <translation>{1} de los rásteres, como {2}, han cambiado desde que empezó la ejecución de {3}: lo que queda de ella aprende de ellos tal como están ahora. Borre esa carpeta para empezar de nuevo.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} rasters, {2} megapixels; {3} windows held back. Network with {4} million weights; {5} process(es).</source>
        <translation>{1} rásteres, {2} megapíxeles; {3} ventanas reservadas. Red de {4} millones de pesos; {5} proceso(s).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>Stage {1} has windows of {2} px, but its largest raster has only {3} x {4} px. The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller windows, or larger rasters.</source>
        <translation>La etapa {1} tiene ventanas de {2} px, más de lo que tiene su ráster más grande ({3} x {4} px): se amplían a partir de menos píxeles, lo que lleva tiempo y enseña poco. Use ventanas más pequeñas o rásteres más grandes.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>{1} labelled scenes are left out, because less than half of their pixels are valid.</source>
        <translation>Se omiten {1} escenas etiquetadas: menos de la mitad de sus píxeles son válidos.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes where the raster has valid pixels, or check its no-data value.</source>
        <translation>No se puede usar ninguna escena etiquetada: en cada una, menos de la mitad de los píxeles son válidos. Etiquete escenas donde el ráster tenga valores, o compruebe su valor sin datos.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>{1} on held-back scenes before training: {2}</source>
        <translation>{1} con escenas reservadas antes: {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>scenes held back in whole places, at the best epoch according to the same scenes</source>
        <translation>escenas reservadas por lugares enteros, en la mejor época según las mismas escenas</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back scenes ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>Entrenar el codificador no mejoró las etiquetas de las escenas reservadas ({1} frente a {2}): se conserva el cabezal sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose change-detection.</source>
        <translation>Se indicaron rásteres de una segunda fecha, pero las escenas tienen una sola fecha. Omítalos, o elija change-detection.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>Touching scenes had to be assigned to different parts, because there are too few others. The accuracy figures are too optimistic. Draw scenes in more places.</source>
        <translation>Hay escenas contiguas en partes distintas, ya que hay muy pocas que no lo sean: las cifras favorecen al modelo. Dibuje escenas en más lugares.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>No scenes could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Label every class in at least two places.</source>
        <translation>No se reservó nada con lo que juzgar el modelo: una clase está etiquetada en un solo lugar (a menos de {1} píxeles). Etiquete cada clase en al menos dos lugares.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_samples.py"/>
        <source>{1} has no features of scenes.</source>
        <translation>{1} no tiene características de escenas.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Without held-back scenes, it is not known whether training the backbone helps. The model with an unchanged backbone is kept.</source>
        <translation>Sin escenas reservadas no se puede ver si entrenar el codificador ayuda: se conserva el cabezal sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Learning small image patterns</source>
        <translation>Aprendiendo qué aspecto tienen los recortes pequeños</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Training and assessing the last layer</source>
        <translation>Ajustando y juzgando la última capa</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>scenes of {1} places in {2} parts, each held back in turn (small image patterns were learned from all of them, without labels); the model was then trained on all of them</source>
        <translation>escenas de {1} lugares en {2} partes, cada una reservada por turno (los parches se aprendieron de todas, sin etiquetas); después el modelo se ajustó a todas</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>No usable scene is labelled as {1}. Label some on the rasters, or leave out the class.</source>
        <translation>Ninguna escena utilizable está etiquetada como {1}. Etiquete algunas sobre los rásteres, u omita la clase.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>{1}: fewer than {2} scenes. Label more of them: accuracy figures from so few are not reliable.</source>
        <translation>{1}: menos de {2} escenas. Etiquete más; las cifras de tan pocas dicen poco.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory even for a batch of {1}. Choose a smaller network or window, close other programs, or use another device.</source>
        <translation>La memoria no basta ni siquiera para un lote de {1}. Elija una red o una ventana menor, cierre otros programas, o calcule en otro dispositivo.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory for a batch of {1}: trying {2}.</source>
        <translation>La memoria no basta para un lote de {1}: se prueba {2}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but {3} is expected, for instance 64:20:1e-3 or 128:10:5e-4:0.9:*summer*. Separate stages by ;.</source>
        <translation>La etapa {1} es &#x27;{2}&#x27;, se esperaba {3}, por ejemplo 64:20:1e-3 o 128:10:5e-4:0.9:*summer*. Separe las etapas con ;.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>The stages &#x27;{1}&#x27; contain no stage. Specify {2}.</source>
        <translation>Las etapas &#x27;{1}&#x27; no contienen ninguna etapa, se esperaba {2}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} has a window of {2} px, but it must be a multiple of the network&#x27;s patch of {3} px. Use {4} or {5}.</source>
        <translation>La etapa {1} tiene una ventana de {2} px, se esperaba un múltiplo del parche de la red de {3} px. Use {4} o {5}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} hides {2} of the {3} tokens of a {4} px window, so none stays visible. Reduce the mask ratio, or use a larger window.</source>
        <translation>La etapa {1} oculta {2} de los {3} tokens de una ventana de {4} px: no queda nada visible. Baje la proporción de máscara, o use una ventana mayor.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>No raster name matches &#x27;{1}&#x27;. The rasters are: {2}{3}. Use * for any text in the pattern.</source>
        <translation>Ningún nombre de ráster coincide con &#x27;{1}&#x27;. Los rásteres son: {2}{3}. Use * para cualquier texto en el patrón.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but the window and the epochs must be at least 1, the learning rate above 0 and at most 1, and the mask ratio between 0 and 1.</source>
        <translation>La etapa {1} es &#x27;{2}&#x27;: la ventana y las épocas deben ser al menos 1, la tasa de aprendizaje mayor que 0 y como máximo 1, la proporción de máscara entre 0 y 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/supervised.py"/>
        <source>Fine-tuning takes a Predictor, given {1}. Wrap the network and its card in one.</source>
        <translation>El ajuste fino toma un Predictor, se indicó {1}. Envuelva la red y su ficha en uno.</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>labels held back in whole places</source>
        <translation>etiquetas reservadas por lugares enteros</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>Average precision on held-back labels: {1} pixel by pixel, {2} with the surroundings of the pixels</source>
        <translation>Precisión media en las etiquetas reservadas: {1} píxel a píxel, {2} con el entorno</translation>
    </message>
    <message>
        <location filename="../engine/train/trainer.py"/>
        <source>The loss became {1} at step {2} (epoch {3}), with a learning rate of {4}. Reduce the learning rate or limit the gradient, and check the data for values that are not finite.</source>
        <translation>La pérdida pasó a ser {1} en el paso {2} (época {3}), con una tasa de aprendizaje de {4}. Baje la tasa de aprendizaje o limite el gradiente, y compruebe si los datos tienen valores no finitos.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>Trained on the user&#x27;s own labels of {1} classes ({2}), starting from {3}.</source>
        <translation>Creado a partir de etiquetas propias de {1} clases ({2}), partiendo de {3}.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>not assessed: no labels could be held back</source>
        <translation>no juzgado: no se pudo reservar ninguna etiqueta</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>{1} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify another one.</source>
        <translation>{1} no se puede leer, así que la ejecución de esta carpeta no se puede retomar. Elimine la carpeta, o indique otra.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The folder {1} contains a run with different settings ({2}). Use the same settings to continue it, specify another folder, or delete the folder.</source>
        <translation>La carpeta {1} contiene una ejecución con otra configuración ({2}). Indique la misma para continuarla, u otra carpeta, o elimínela.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The checkpoint folder {1} cannot be written. Choose another one.</source>
        <translation>No se puede escribir en la carpeta de checkpoints {1}. Elija otra.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/base_python.py"/>
        <source>No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it (from python.org, or with &#x27;sudo apt install python3-venv&#x27;), then try again.</source>
        <translation>No se encontró ningún Python adecuado: el motor necesita Python de 64 bits, de 3.9 a 3.14, con el módulo venv. Instale uno (de python.org, o &#x27;sudo apt install python3-venv&#x27;) e inténtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine failed without an error message.</source>
        <translation>El motor falló sin decir por qué.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine could not be started: {1} ({2}). Install or repair it in the settings under SpectralGPT.</source>
        <translation>El motor no se pudo iniciar: {1} ({2}). Instálelo o repárelo en la configuración, en SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The last installation of the engine was not completed. Install it again.</source>
        <translation>La última instalación del motor no llegó a su fin. Instálelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is not installed yet. Install it in the settings.</source>
        <translation>El motor todavía no está instalado. Instálelo en la configuración.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine&#x27;s record is damaged. Repair the engine.</source>
        <translation>El registro del motor está dañado. Repare el motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The Python installation that the engine is based on was removed or replaced. Repair the engine.</source>
        <translation>El Python con el que se creó el motor ya no está o se reemplazó. Repare el motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The plugin was updated and needs other versions of the engine&#x27;s libraries. Update the engine.</source>
        <translation>El complemento se actualizó y pide otras versiones de las bibliotecas del motor. Actualice el motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is installed ({1}).</source>
        <translation>El motor está instalado ({1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The disk of {1} has {2} GB of free space, but the installation needs {3} GB. Free some space, or choose another folder for the engine.</source>
        <translation>El disco de {1} tiene {2} GB libres, y la instalación necesita {3} GB. Libere espacio, o elija otra carpeta para el motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or reduce the number of threads, and run it again.</source>
        <translation>El motor se quedó sin memoria o el sistema lo terminó. Cierre otros programas, elija una extensión menor o reduzca el número de hilos, y ejecútelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>Repair the engine in the settings under SpectralGPT.</source>
        <translation>Repare el motor en la configuración, en SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device &#x27;cpu&#x27;. If it happens again, update the graphics driver. </source>
        <translation>El motor se cerró inesperadamente (infracción de acceso, 0xC0000005) en una de sus bibliotecas. Pruebe el dispositivo &#x27;cpu&#x27;; si vuelve a ocurrir, actualice el controlador gráfico. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library that the engine needs was not found (0xC0000135). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart QGIS. </source>
        <translation>No se encontró una biblioteca que el motor necesita (0xC0000135). Instale &#x27;Microsoft Visual C++ Redistributable&#x27; (x64) y después inicie QGIS de nuevo. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine could not start (0xC0000142). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart Windows.</source>
        <translation>Una biblioteca del motor no pudo iniciarse (0xC0000142). Instale &#x27;Microsoft Visual C++ Redistributable&#x27; (x64) y después reinicie Windows.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine is damaged or not 64-bit (0xC000007B). </source>
        <translation>Una biblioteca del motor está dañada o no es de 64 bits (0xC000007B). </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine needs an instruction that this processor does not support (0xC000001D).</source>
        <translation>El motor usa una instrucción que este procesador no tiene (0xC000001D).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine was interrupted (0xC000013A).</source>
        <translation>El motor se interrumpió (0xC000013A).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>{1} It is limited to {2} MB of memory, which may not be enough. See the memory limit under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation>{1} Puede usar {2} MB de memoria, lo que quizá sea muy poco: vea el límite de memoria en Configuración &gt; Opciones &gt; SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped responding and was terminated. Run it again.</source>
        <translation>El motor dejó de responder y se terminó. Ejecútelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped without a result (exit code {1}).</source>
        <translation>El motor terminó sin respuesta (código de salida {1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_lock.py"/>
        <source>The engine is being installed by another process (number {1}). Wait until it is done, or end that process, and try again.</source>
        <translation>Otro proceso (número {1}) está instalando el motor. Espere a que termine, o termínelo, e inténtelo de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The disk is full. Free some space, or choose another folder for the engine in the settings.</source>
        <translation>El disco está lleno. Libere espacio, o elija en la configuración otra carpeta para el motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The system&#x27;s security software (antivirus or application control) stopped the installation. Ask your administrator to allow the engine&#x27;s folder, or choose another one in the settings.</source>
        <translation>La protección del sistema (antivirus o control de aplicaciones) detuvo la instalación. Pida a su administrador que permita la carpeta del motor, o elija otra en la configuración.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A file of the engine is in use. Wait until running jobs are done, or restart QGIS.</source>
        <translation>Un archivo del motor está en uso. Espere a que terminen los trabajos en ejecución, o reinicie QGIS.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>You do not have write access to the engine&#x27;s folder. Choose another folder in the settings, or have its permissions changed.</source>
        <translation>No se permite escribir en la carpeta del motor. Elija en la configuración una carpeta propia, o haga cambiar sus permisos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The path of the engine&#x27;s folder is too long for Windows. Choose a shorter one in the settings.</source>
        <translation>La ruta de la carpeta del motor es demasiado larga para Windows. Elija una más corta en la configuración.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects traffic. Specify your organisation&#x27;s CA file in the settings, or use a folder of wheels.</source>
        <translation>No se aceptó el certificado del servidor de paquetes, como ocurre detrás de un proxy de empresa que inspecciona el tráfico. Indique en la configuración el archivo de CA de su empresa, o use una carpeta de wheels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The proxy refused the connection. Check the proxy in the settings (http://user:password@host:port).</source>
        <translation>El proxy rechazó la conexión. Compruebe el proxy en la configuración (http://usuario:contraseña@servidor:puerto).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server denied access (401 or 403). Check the address and password of the package index in the settings.</source>
        <translation>El servidor de paquetes rechazó el acceso (401 o 403). Compruebe en la configuración la dirección y la contraseña del índice.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server could not be reached. Check the network and, in the settings, the proxy and the package index. Without a network connection, install from a folder of wheels.</source>
        <translation>No se pudo llegar al servidor de paquetes. Compruebe la red y, en la configuración, el proxy y el índice; sin red, instale desde una carpeta de wheels.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A package was damaged during download. Run the installation again.</source>
        <translation>Un paquete llegó dañado. Ejecute la instalación de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The operating system is too old for the engine&#x27;s libraries (its C library lacks functions that they need).</source>
        <translation>El sistema es demasiado antiguo para las bibliotecas del motor (su biblioteca de C no tiene lo que necesitan).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>There was not enough memory. Close other programs and run the installation again.</source>
        <translation>La memoria no fue suficiente. Cierre otros programas y ejecute la instalación de nuevo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>No build of {1} for {2} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in the settings, it may be incomplete.</source>
        <translation>No hay ninguna compilación de {1} para {2} donde se buscó. Use Python de 64 bits, de 3.9 a 3.14; un servidor espejo definido en la configuración puede estar incompleto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The folder of wheels &#x27;{1}&#x27; is missing or contains no .whl files.</source>
        <translation>La carpeta de wheels &#x27;{1}&#x27; falta o no tiene archivos .whl.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The CA file &#x27;{1}&#x27; is missing. Correct it in the settings.</source>
        <translation>El archivo de CA &#x27;{1}&#x27; falta. Corríjalo en la configuración.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained on fMoW-S2 for 200 epochs; to train from.</source>
        <translation>Modelo base de 12 bandas de Sentinel-2, tamaño &quot;base&quot;, preentrenado con fMoW-S2 durante 200 épocas; para seguir entrenando.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>CC-BY-4.0 according to others; read it on the page of the record</source>
        <translation>CC-BY-4.0 según otros; consúltela en la página del registro</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained further on BigEarthNet for 100 epochs; to train from.</source>
        <translation>Modelo base de 12 bandas de Sentinel-2, tamaño &quot;base&quot;, preentrenado además con BigEarthNet durante 100 épocas; para seguir entrenando.</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT tiny, Sentinel-2</source>
        <translation>SpectralGPT tiny, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A reflectance); the start for models of your own.</source>
        <translation>SpectralGPT preentrenado sin etiquetas con nueve bandas de Sentinel-2 (reflectancia L1C y L2A); el punto de partida para modelos propios.</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Urban change, Sentinel-2</source>
        <translation>Cambio urbano, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the threshold for each scene: about the most changed fortieth of the pixels are marked, fewer where little stands out, more where much has clearly changed. Probabilities are shifted so that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as change, so mask them. Both images should cover the same ground, at least a few square kilometres.</source>
        <translation>Cambio entre dos fechas de Sentinel-2 (L1C o L2A): construcción y otros cambios del terreno edificado o desnudo. Para el modelo, las estaciones y los cultivos no son cambio. El agua que aparece o desaparece la encuentra solo en parte; una orilla que se desplaza unos pocos píxeles se le escapa casi siempre (Boadella, febrero a junio de 2020, que estaba en el entrenamiento: F1 0,14). Ordena los píxeles; el umbral se halla en cada escena: marca más o menos el cuarentavo que más cambió, menos donde poco destaca y más donde es seguro que mucho cambió, y el ráster de probabilidad se desplaza para que el umbral sea 0,5. Cuente con falsas alarmas en campos desnudos y donde casi nada cambió, y con omisiones donde un tejado sustituye a otro parecido. La nieve y las nubes son cambio para él: enmascárelas. Ambas fechas deben cubrir el mismo terreno, al menos algunos kilómetros cuadrados.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover (seven classes)</source>
        <translation>Cobertura del suelo (siete clases)</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover of every pixel in seven classes, from one Sentinel-2 image of either level. Learned from very few places: water is dependable; crops against grass and shrubs, and built-up against bare ground, need more than one date or your own labels (fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it looks like.</source>
        <translation>Cobertura del suelo de cada píxel en siete clases, a partir de una imagen de Sentinel-2 de cualquiera de los dos niveles. Aprendido de muy pocos lugares: el agua es fiable; distinguir cultivos de hierba y matorral, y edificado de suelo desnudo, requiere más de una fecha o etiquetas propias (ajuste fino). Las nubes no tienen clase: enmascárelas antes. Los humedales se cartografían como aquello a lo que se parecen.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Water</source>
        <translation>Agua</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Trees</source>
        <translation>Árboles</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Crops</source>
        <translation>Cultivos</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Built-up</source>
        <translation>Edificado</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Bare ground</source>
        <translation>Suelo desnudo</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Grass and shrubs</source>
        <translation>Hierba y matorral</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Snow and ice</source>
        <translation>Nieve y hielo</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Scenes of Europe (EuroSAT&#x27;s ten classes)</source>
        <translation>Escenas de Europa (las diez clases de EuroSAT)</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Labels windows of 640 m with one of EuroSAT&#x27;s ten classes. Learned from 89 labelled chips of Europe in the growing season; other continents, winter, snow and clouds are not among them, and a window with several kinds of land gets the label of one. Herbaceous vegetation, permanent crop and highway are the weakest: look at the probabilities.</source>
        <translation>Etiqueta ventanas de 640 m con una de las diez clases de EuroSAT. Aprendido de 89 recortes etiquetados de Europa en la época de crecimiento; otros continentes, el invierno, la nieve y las nubes no están entre ellos, y una ventana con varios tipos de terreno recibe la etiqueta de uno. Vegetación herbácea, cultivo permanente y carretera son las más débiles: mire las probabilidades.</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Annual crop</source>
        <translation>Cultivo anual</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Forest</source>
        <translation>Bosque</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Herbaceous vegetation</source>
        <translation>Vegetación herbácea</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Highway</source>
        <translation>Carretera</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Industrial</source>
        <translation>Industrial</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Pasture</source>
        <translation>Pasto</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Permanent crop</source>
        <translation>Cultivo permanente</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Residential</source>
        <translation>Residencial</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>River</source>
        <translation>Río</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Sea or lake</source>
        <translation>Mar o lago</translation>
    </message>
</context>
</TS>
